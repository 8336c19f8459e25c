using DChat.Core.Messages;
using DChat.Protocol;

namespace DChat.Server.Worker.Host;

/// <summary>How a change ended: an answer, which means it is durable, or an error.</summary>
internal readonly struct ChangeOutcome
{
    private ChangeOutcome(ChangeAnswer answer, HubError? error)
    {
        Answer = answer;
        Error = error;
    }

    public ChangeAnswer Answer { get; }

    public HubError? Error { get; }

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
