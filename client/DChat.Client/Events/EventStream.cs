using System.Threading.Channels;

namespace DChat.Client.Events;

/// <summary>
/// A stream of events, from the moment at which it was asked for. Read it with <c>await foreach</c>, once; leaving the
/// loop, or disposing of the stream, ends it. A stream that is held but not read makes the timelines stand still when
/// it is full.
/// </summary>
public sealed class EventStream<T> : IAsyncEnumerable<T>, IDisposable
{
    private readonly Channel<ChatEvent> channel = Channel.CreateUnbounded<ChatEvent>(new UnboundedChannelOptions { SingleWriter = true });
    private readonly EventHub hub;
    private readonly Func<ChatEvent, T?> select;
    private readonly IEventQueue queue;

    internal EventStream(EventHub hub, Func<ChatEvent, T?> select)
    {
        (this.hub, this.select) = (hub, select);
        queue = new Queue(this);
        hub.Add(queue);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerator<T> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        using (this)
        {
            while (await channel.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
            {
                while (channel.Reader.TryRead(out var next))
                {
                    hub.Read();
                    if (select(next) is { } item)
                    {
                        yield return item;
                    }
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        hub.Remove(queue);
        channel.Writer.TryComplete();
    }

    private sealed class Queue(EventStream<T> stream) : IEventQueue
    {
        public int Count => stream.channel.Reader.Count;

        // What nobody will read need not wait.
        public void Add(ChatEvent next)
        {
            if (stream.select(next) is not null)
            {
                stream.channel.Writer.TryWrite(next);
            }
        }

        public void Complete() => stream.channel.Writer.TryComplete();
    }
}

internal interface IEventQueue
{
    int Count { get; }

    void Add(ChatEvent next);

    void Complete();
}
