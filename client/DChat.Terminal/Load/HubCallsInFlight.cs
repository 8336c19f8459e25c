using DChat.Protocol;

namespace DChat.Terminal.Load;

/// <summary>Sees the raw JSON of an answer, which lives only as long as the call lasts.</summary>
internal delegate void ResultHandler(ReadOnlySpan<byte> result);

/// <summary>Calls other than <c>send</c> that wait for their answers. Each is answered or failed exactly once.</summary>
internal sealed class HubCallsInFlight
{
    private readonly Dictionary<int, (ResultHandler OnResult, Action<string, string> OnError)> _calls = [];
    private readonly Lock _gate = new();
    private int _lastId;

    public bool IsEmpty
    {
        get
        {
            lock (_gate)
            {
                return _calls.Count == 0;
            }
        }
    }

    public int Add(ResultHandler onResult, Action<string, string> onError)
    {
        lock (_gate)
        {
            _calls.Add(++_lastId, (onResult, onError));
            return _lastId;
        }
    }

    public void Complete(int id, ReadOnlySpan<byte> result, string? error)
    {
        (ResultHandler OnResult, Action<string, string> OnError) call;
        lock (_gate)
        {
            if (!_calls.Remove(id, out call))
            {
                throw new InvalidDataException("the server answered a call twice");
            }
        }

        if (error is null)
        {
            call.OnResult(result);
        }
        else
        {
            call.OnError(HubError.TryParse(error)?.Code ?? "", error);
        }
    }

    /// <summary>Fails one that could not be made, unless it was failed already.</summary>
    public void Fail(int id, string code, string text)
    {
        (ResultHandler OnResult, Action<string, string> OnError) call;
        lock (_gate)
        {
            if (!_calls.Remove(id, out call))
            {
                return;
            }
        }

        call.OnError(code, text);
    }

    public void FailAll(string code, string text)
    {
        List<Action<string, string>> failed;
        lock (_gate)
        {
            failed = [.. _calls.Values.Select(call => call.OnError)];
            _calls.Clear();
        }

        foreach (var onError in failed)
        {
            onError(code, text);
        }
    }
}
