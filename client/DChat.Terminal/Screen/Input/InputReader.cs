using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace DChat.Terminal.Screen;

/// <summary>What reaches the program: bytes from the keyboard, or an event of another origin.</summary>
internal readonly record struct Arrival(ReadOnlyMemory<byte> Bytes, InputEvent? Event);

/// <summary>Decodes arrivals in their order, and decides after a pause that an Escape was a key.</summary>
internal sealed class InputReader(ChannelReader<Arrival> arrivals, TimeProvider time)
{
    private readonly InputDecoder _decoder = new();

    /// <summary>For the next arrival; it outlives a pause.</summary>
    private Task<bool>? _waiting;

    public async IAsyncEnumerable<InputEvent> ReadAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        List<InputEvent> events = [];
        while (await MoreAsync(cancel))
        {
            if (arrivals.TryRead(out var arrival))
            {
                _decoder.Feed(arrival.Bytes.Span, events);
                if (arrival.Event is { } happened)
                {
                    events.Add(happened);
                }
            }
            else
            {
                _decoder.Flush(events);
            }

            foreach (var happened in events)
            {
                yield return happened;
            }

            events.Clear();
        }
    }

    /// <returns>Whether something arrived or the decoder has waited long enough; false at the end of the input.</returns>
    private async Task<bool> MoreAsync(CancellationToken cancel)
    {
        _waiting ??= arrivals.WaitToReadAsync(cancel).AsTask();
        if (!_waiting.IsCompleted && _decoder.FlushAfter is { } pause)
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            var pausing = Task.Delay(pause, time, stop.Token);
            if (await Task.WhenAny(_waiting, pausing) == pausing)
            {
                await pausing;
                return true;
            }

            await stop.CancelAsync();
        }

        var waited = _waiting;
        _waiting = null;
        return await waited;
    }
}
