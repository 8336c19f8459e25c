using DChat.Core.Messages;
using DChat.Protocol;
using Microsoft.Extensions.Logging;

namespace DChat.Server.Worker.Host;

/// <summary>
/// Answers refused changes: a repeat gets its first answer whatever has changed since, only what is new is refused. Whatever goes wrong with
/// one of them is its caller's alone; only a damaged store ends the process.
/// </summary>
/// <param name="stopping">From then on the store may be closed already.</param>
internal sealed partial class FirstAnswers(IMessageStore store, ILogger log, CancellationToken stopping)
{
    public void Answer(string room, RoomChange change, HubError error, IChangeReceiver receiver) =>
        _ = VitalWork.RunAsync("the answer to a refused change", () => AnswerAsync(room, change, error, receiver), log);

    private async Task AnswerAsync(string room, RoomChange change, HubError error, IChangeReceiver receiver)
    {
        ChangeOutcome outcome;
        try
        {
            var first = await store.FindAnswerAsync(room, change.Author, change.ClientId, CancellationToken.None).ConfigureAwait(false);
            outcome = first is { } answer ? ChangeOutcome.Of(answer) : ChangeOutcome.Failed(error);
        }
        catch (Exception failure) when (failure is not MessageStoreDamagedException)
        {
            // To its caller, who repeats it: what the same sender sent after it may be made already, so no gateway may send it again by itself.
            outcome = ChangeOutcome.Unavailable(Describe(failure));
        }

        receiver.Completed(outcome);
    }

    private string Describe(Exception failure)
    {
        if (failure is MessageStoreUnavailableException or TimeoutException or OperationCanceledException || stopping.IsCancellationRequested)
        {
            return "the message store cannot be reached; try again";
        }

        Unexpected(log, failure);
        return "something went wrong on the server";
    }

    [LoggerMessage(2614, LogLevel.Error, "the first answer of a refused change could not be looked up")]
    private static partial void Unexpected(ILogger log, Exception exception);
}
