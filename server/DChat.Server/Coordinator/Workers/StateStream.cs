using System.Buffers;
using System.IO.Pipelines;
using DChat.Core.Registry;
using DChat.Server.Nodes;

namespace DChat.Server.Coordinator.Workers;

/// <summary>A whole registry on its way over a link: written, sent, received and read piece by piece, never held as bytes in one piece.</summary>
internal sealed class StateStream
{
    /// <summary>Small enough that what is copied for a part goes away with the youngest generation (below 85,000 bytes).</summary>
    private const int PartBytes = 64 * 1024;
    private const int AheadBytes = 1024 * 1024;

    private readonly Pipe _pipe = NewPipe();
    private readonly Task<RegistryState> _reading;

    /// <summary>The receiving side of one registry.</summary>
    public StateStream() => _reading = OwnThread.RunAsync(() =>
    {
        using var stream = _pipe.Reader.AsStream();
        return RegistrySnapshot.Read(stream);
    });

    public static async Task SendAsync(NodeLink link, RegistryState state, CancellationToken cancellation)
    {
        var pipe = NewPipe();
        var writing = OwnThread.RunAsync(() =>
        {
            using var stream = pipe.Writer.AsStream(); // A write waits while the reader is behind.
            RegistrySnapshot.Write(state, stream);
            return true;
        });
        try
        {
            while (true)
            {
                var read = await pipe.Reader.ReadAsync(cancellation);
                var left = read.Buffer;
                while (left.Length >= PartBytes || (read.IsCompleted && left.Length > 0))
                {
                    var length = Math.Min(PartBytes, left.Length);
                    await link.PostAsync(RegistryMethods.StatePart, left.Slice(0, length).ToArray(), cancellation);
                    left = left.Slice(length);
                }

                pipe.Reader.AdvanceTo(left.Start, left.End);
                if (read.IsCompleted)
                {
                    await writing;
                    link.Post(RegistryMethods.StateEnd, []);
                    return;
                }
            }
        }
        finally
        {
            await pipe.Reader.CompleteAsync(); // Lets the writer end, whatever happened.
            await ((Task)writing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public async ValueTask AddAsync(ReadOnlyMemory<byte> part) => await _pipe.Writer.WriteAsync(part);

    /// <exception cref="InvalidDataException">It is damaged.</exception>
    /// <exception cref="UnknownRegistryEventException">A newer program wrote it.</exception>
    public async Task<RegistryState> EndAsync()
    {
        await _pipe.Writer.CompleteAsync();
        return await _reading;
    }

    /// <summary>The link ended in the middle.</summary>
    public async Task AbandonAsync()
    {
        await _pipe.Writer.CompleteAsync(new IOException("the link ended before the whole registry had come"));
        await ((Task)_reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static Pipe NewPipe() => new(new PipeOptions(pauseWriterThreshold: AheadBytes, resumeWriterThreshold: AheadBytes / 2, useSynchronizationContext: false));
}
