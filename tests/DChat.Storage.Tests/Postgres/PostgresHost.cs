using DChat.Core.Messages;
using DChat.Storage.Postgres;
using DChat.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Storage.Tests.Postgres;

/// <summary>A host of one room as the server's is: it repeats a write whose outcome is unknown, with the same ids, after opening the room again.</summary>
internal sealed class PostgresHost(PostgresMessageStore store, string room, long epoch) : IAsyncDisposable
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);

    public PostgresMessageStore Store => store;

    public long Rev { get; private set; }

    /// <summary>Writes whose outcome was unknown.</summary>
    public int Unknown { get; private set; }

    public static PostgresMessageStore OpenStore(string url, TimeSpan? searchBudget = null) => PostgresMessageStore.Open(
        new PostgresMessageStoreOptions
        {
            Url = PostgresUrl.Parse(url),
            IndexDelay = TimeSpan.FromMilliseconds(5),
            SearchBudget = searchBudget ?? TimeSpan.FromMilliseconds(100),
        },
        TimeProvider.System,
        NullLogger<PostgresMessageStore>.Instance);

    public static PostMessage Post(string clientId, string body = "hello", long at = 1_000) => new("alice", clientId, at, MessageKind.Text, body, null, [], []);

    public async Task<RoomStatus> OpenAsync()
    {
        var opening = (await store.OpenAsync([new RoomAtEpoch(room, epoch)], default).Within(Limit))[0];
        Rev = opening.Rev;
        return opening.Status;
    }

    public async Task<RoomWriteResult> TryWriteAsync(params RoomChange[] changes)
    {
        var result = (await store.WriteAsync([new RoomWrite(room, epoch, Rev, changes)], default).Within(Limit))[0];
        Rev = result.Status == RoomStatus.Ok ? result.Rev : Rev;
        return result;
    }

    /// <summary>Writes until the outcome is known.</summary>
    public async Task<RoomWriteResult> WriteAsync(params RoomChange[] changes)
    {
        RoomWriteResult? result = null;
        var open = true;
        await Eventually.Holds(
            async () =>
            {
                try
                {
                    open = open || await OpenAsync() == RoomStatus.Ok;
                    result = await TryWriteAsync(changes);
                    open = result.Status != RoomStatus.Stale;
                    return open;
                }
                catch (MessageStoreUnavailableException)
                {
                    Unknown++;
                    open = false;
                    return false;
                }
            },
            Limit);
        return result!;
    }

    /// <summary>All messages of the room, whose seqs have no holes.</summary>
    public async Task<List<Message>> ReadAllAsync()
    {
        var messages = new List<Message>();
        ChangesPage page;
        do
        {
            page = await store.ReadAfterAsync(room, messages.Count == 0 ? 0 : messages[^1].Rev, MessageLimits.Page, null, default).Within(Limit);
            messages.AddRange(page.Messages);
        }
        while (page.More);
        Assert.Equal(Enumerable.Range(1, messages.Count).Select(i => (long)i), messages.Select(message => message.Seq).Order());
        return messages;
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();
}
