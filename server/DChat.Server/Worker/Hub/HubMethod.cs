using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using DChat.Protocol;
using DChat.Server.Worker.Calls;
using DChat.Server.Worker.Gateway;

namespace DChat.Server.Worker.Hub;

/// <summary>A method that clients call.</summary>
internal abstract class HubMethod(string name)
{
    public string Name { get; } = name;

    /// <summary>
    /// Begins a call. Returns at once; what must keep the order of calls happens before it returns.
    /// An argument that does not bind throws <see cref="JsonException"/>.
    /// </summary>
    /// <param name="invocationId">Null: the client wants no answer.</param>
    public abstract void Invoke(ChatConnection connection, string? invocationId, ReadOnlySpan<byte> argument);
}

/// <summary>A method whose answer is computed by an asynchronous handler.</summary>
/// <param name="answered">Called after the answer was written.</param>
internal sealed class HubMethod<TRequest, TAnswer>(
    string name,
    JsonTypeInfo<TRequest> binding,
    Func<Caller, TRequest, ValueTask<Answer<TAnswer>>> handle,
    Action<Utf8JsonWriter, TAnswer> write,
    HubFaults faults,
    Action<Caller, TAnswer>? answered = null) : HubMethod(name)
    where TRequest : class
{
    public override void Invoke(ChatConnection connection, string? invocationId, ReadOnlySpan<byte> argument)
    {
        var request = HubBinding.Read(argument, binding);
        connection.CallBegins();
        _ = RunAsync(connection, invocationId, request);
    }

    private async Task RunAsync(ChatConnection connection, string? invocationId, TRequest request)
    {
        try
        {
            var answer = connection.User.Calls.TryTake(out var retryAfterMs)
                ? await handle(connection.Caller, request).ConfigureAwait(false)
                : new HubError(ErrorCodes.RateLimited, "too many calls at once", retryAfterMs);
            if (invocationId is not null)
            {
                connection.Outbox.WriteRecord(answer.Error is { } error
                    ? HubText.Failure(invocationId, Name, error)
                    : HubText.Completion(invocationId, answer.Value!, write));
            }

            if (answer.Error is null)
            {
                answered?.Invoke(connection.Caller, answer.Value!);
            }
        }
        catch (Exception exception)
        {
            var error = faults.ToError(Name, exception);
            if (invocationId is not null)
            {
                connection.Outbox.WriteRecord(HubText.Failure(invocationId, Name, error));
            }
        }
        finally
        {
            connection.CallEnds();
        }
    }
}

/// <summary>Binds the one argument of a call.</summary>
internal static class HubBinding
{
    public static TRequest Read<TRequest>(ReadOnlySpan<byte> argument, JsonTypeInfo<TRequest> binding)
        where TRequest : class
    {
        try
        {
            return JsonSerializer.Deserialize(argument, binding)
                ?? throw new JsonException("the argument must be an object");
        }
        catch (InvalidOperationException exception)
        {
            throw new JsonException("the argument is not valid text", exception);
        }
    }
}
