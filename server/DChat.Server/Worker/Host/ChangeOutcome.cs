using DChat.Core.Messages;
using DChat.Protocol;

namespace DChat.Server.Worker.Host;

/// <summary>How a change ended: an answer, which means it is durable, or an error, or that this host is not the one to say.</summary>
internal readonly struct ChangeOutcome
{
    private ChangeOutcome(ChangeAnswer answer, HubError? error, ChangeEnd end = ChangeEnd.Final)
    {
        Answer = answer;
        Error = error;
        End = end;
    }

    /// <summary>The room is not served by this host under the epoch that was asked for: the change may have to go to another one.</summary>
    public static ChangeOutcome Moved { get; } = new(default, new HubError(ErrorCodes.Unavailable, "the room is served by another worker now"), ChangeEnd.Moved);

    /// <summary>This host cannot reach the message store; another one may. Whether the change was made is unknown.</summary>
    public static ChangeOutcome StoreAway { get; } = new(default, new HubError(ErrorCodes.Unavailable, "the message store cannot be reached; try again"), ChangeEnd.StoreAway);

    public ChangeAnswer Answer { get; }

    public HubError? Error { get; }

    public ChangeEnd End { get; }

    public static ChangeOutcome Of(ChangeAnswer answer) => new(answer, null);

    public static ChangeOutcome Failed(HubError error) => new(default, error);

    public static ChangeOutcome From(ChangeResult result) => result.Refusal switch
    {
        ChangeRefusal.None => Of(result.Answer),
        ChangeRefusal.NotFound => Failed(new HubError(ErrorCodes.NotFound, "there is no such message in this room")),
        ChangeRefusal.Forbidden => Failed(new HubError(ErrorCodes.Forbidden, "this is another user's message")),
        ChangeRefusal.InvalidArgument => Failed(new HubError(ErrorCodes.InvalidArgument, "replyTo must name a message of this room, and a message takes at most 20 different emoji")),
        _ => throw new InvalidOperationException($"unknown refusal {result.Refusal}"),
    };

    public static ChangeOutcome Unavailable(string why) => Failed(new HubError(ErrorCodes.Unavailable, why));
}

internal enum ChangeEnd : byte
{
    /// <summary>Whoever asked is told so.</summary>
    Final = 0,

    /// <inheritdoc cref="ChangeOutcome.Moved"/>
    Moved = 1,

    /// <inheritdoc cref="ChangeOutcome.StoreAway"/>
    StoreAway = 2,
}
