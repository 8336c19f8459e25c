using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using DChat.Core.Messages;
using DChat.Protocol;
using DChat.Server.Worker.Gateway;
using DChat.Server.Worker.Host;
using DChat.Server.Worker.Hub;

namespace DChat.Server.Worker.Calls;

/// <summary>
/// <c>send</c>, <c>edit</c>, <c>delete</c>, <c>react</c>: takes its place in the room's queue before it returns, so that what one
/// connection sends to one room is committed in the order of the calls.
/// </summary>
internal sealed class ChangeCall<TRequest>(
    string name,
    JsonTypeInfo<TRequest> binding,
    MessageCalls calls,
    Func<MessageCalls, Caller, TRequest, ChangePlan> plan,
    Action<Utf8JsonWriter, ChangeAnswer> write,
    HubFaults faults) : HubMethod(name)
    where TRequest : class
{
    public override void Invoke(ChatConnection connection, string? invocationId, ReadOnlySpan<byte> argument)
    {
        var request = HubBinding.Read(argument, binding);
        connection.CallBegins();
        var receiver = new Receiver(this, connection, invocationId);
        var planned = plan(calls, connection.Caller, request);
        var before = connection.PreparingIn(planned.Room);
        if (planned.Prepare is null && before.IsCompleted)
        {
            calls.Submit(planned, receiver);
        }
        else
        {
            connection.Prepares(planned.Room, PrepareAsync(before, planned, receiver));
        }
    }

    private async Task PrepareAsync(Task before, ChangePlan planned, Receiver receiver)
    {
        await before.ConfigureAwait(false);
        try
        {
            if (planned.Prepare is not null)
            {
                planned = await planned.Prepare().ConfigureAwait(false);
            }

            calls.Submit(planned, receiver);
        }
        catch (Exception exception)
        {
            receiver.Completed(ChangeOutcome.Failed(faults.ToError(Name, exception)));
        }
    }

    private sealed class Receiver(ChangeCall<TRequest> call, ChatConnection connection, string? invocationId) : IChangeReceiver
    {
        public void Completed(in ChangeOutcome outcome)
        {
            if (invocationId is not null)
            {
                connection.Outbox.WriteRecord(outcome.Error is { } error
                    ? HubText.Failure(invocationId, call.Name, error)
                    : HubText.Completion(invocationId, outcome.Answer, call.write));
            }

            connection.CallEnds();
        }
    }

    private readonly Action<Utf8JsonWriter, ChangeAnswer> write = write;
}

/// <summary>What a change call comes to, before it is queued.</summary>
/// <param name="Error">It is refused, unless it repeats a change that was answered already.</param>
/// <param name="Prepare">Something must be looked up first.</param>
internal readonly record struct ChangePlan(string Room, RoomChange? Change, HubError? Error, Func<Task<ChangePlan>>? Prepare = null)
{
    /// <summary>Refused, and not even recognizable as a repeat.</summary>
    public static ChangePlan Refused(HubError error) => new("", null, error);
}

/// <summary>Completes a task with the outcome, for callers that await it.</summary>
internal sealed class AwaitedChange : IChangeReceiver
{
    private readonly TaskCompletionSource<ChangeOutcome> outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<ChangeOutcome> Outcome => outcome.Task;

    void IChangeReceiver.Completed(in ChangeOutcome completed) => outcome.TrySetResult(completed);
}
