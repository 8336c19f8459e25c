using DChat.Protocol;

namespace DChat.Client.Outbox;

/// <summary>Where a message of one's own stands.</summary>
public enum OutgoingState
{
    /// <summary>It waits: for those before it in its room, or for a connection.</summary>
    Waiting,

    /// <summary>It is on its way.</summary>
    Sending,

    /// <summary>The server has it for good.</summary>
    Sent,

    /// <summary>The server refused it (<see cref="OutgoingMessage.Problem"/>), or it was withdrawn.</summary>
    Refused,
}

/// <summary>A message of one's own, from the moment at which it was written until the server has it for good or refused it.</summary>
public sealed class OutgoingMessage
{
    private readonly TaskCompletionSource<SendAnswer> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal OutgoingMessage(SendRequest request, DateTimeOffset writtenAt)
    {
        (Request, WrittenAt) = (request, writtenAt);
        // A refusal is also told as an event: who does not wait for the answer does not have to.
        _ = answer.Task.ContinueWith(static t => t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
    }

    /// <summary>What is sent, each time with the same <c>clientId</c>.</summary>
    public SendRequest Request { get; }

    /// <summary>The id of the room.</summary>
    public string Room => Request.Room!;

    /// <summary>The id by which the server knows a repeat, and by which the message is found in the timeline once it is there.</summary>
    public string ClientId => Request.ClientId!;

    /// <summary>When it was written, by the client's clock.</summary>
    public DateTimeOffset WrittenAt { get; }

    /// <summary>Where it stands.</summary>
    public OutgoingState State { get; private set; }

    /// <summary>Why it was refused, or why the last attempt failed.</summary>
    public ChatException? Problem { get; private set; }

    /// <summary>The server's answer; fails with <see cref="ChatException"/> where it is refused, is cancelled where it is withdrawn.</summary>
    public Task<SendAnswer> Answer => answer.Task;

    /// <summary>Whether it counts toward the outbox's bound; what an earlier process left may exceed it.</summary>
    internal bool HoldsPlace { get; init; }

    internal void Move(OutgoingState state, ChatException? problem = null) => (State, Problem) = (state, problem);

    internal void Complete(SendAnswer sent)
    {
        Move(OutgoingState.Sent);
        answer.TrySetResult(sent);
    }

    internal void Refuse(ChatException problem)
    {
        Move(OutgoingState.Refused, problem);
        answer.TrySetException(problem);
    }

    internal void Withdraw()
    {
        Move(OutgoingState.Refused);
        answer.TrySetCanceled();
    }
}
