using DChat.Core.Messages;
using DChat.TestKit;
using Xunit.Abstractions;

namespace DChat.Storage.Tests.Messages;

/// <summary>
/// What every message store does. An engine's tests inherit it and say how a store is opened;
/// each test gets a store of its own, empty, and may close and open it again.
/// </summary>
public abstract partial class MessageStoreSpec(ITestOutputHelper output) : IAsyncLifetime
{
    /// <summary>No call of a test takes longer.</summary>
    protected static readonly TimeSpan Limit = Eventually.DefaultLimit;

    private IMessageStore? _store;

    protected IMessageStore Store => _store ?? throw new InvalidOperationException("the store is closed");

    public async Task InitializeAsync() => _store = await OpenStoreAsync();

    public async Task DisposeAsync()
    {
        if (_store is { } store)
        {
            await store.DisposeAsync().AsTask().WaitAsync(Limit);
        }

        await DeleteDataAsync();
    }

    /// <summary>Opens the data of this test, the same at every call.</summary>
    protected abstract Task<IMessageStore> OpenStoreAsync();

    protected abstract Task DeleteDataAsync();

    protected async Task ReopenAsync()
    {
        await CloseStoreAsync();
        _store = await OpenStoreAsync();
    }

    protected async Task CloseStoreAsync()
    {
        var store = Store;
        _store = null;
        await store.DisposeAsync().AsTask().WaitAsync(Limit);
    }

    [Fact]
    public async Task A_store_keeps_its_id()
    {
        var id = await Store.ReadIdAsync(default).WaitAsync(Limit);
        Assert.NotEmpty(id);
        await ReopenAsync();
        Assert.Equal(id, await Store.ReadIdAsync(default).WaitAsync(Limit));
    }

    /// <summary>A room as its host knows it.</summary>
    protected async Task<HostedRoom> OpenRoomAsync(string room = "room", long epoch = 1)
    {
        var opening = (await Store.OpenAsync([new RoomAtEpoch(room, epoch)], default).WaitAsync(Limit))[0];
        Assert.Equal(RoomStatus.Ok, opening.Status);
        return new HostedRoom(this, room, epoch) { Rev = opening.Rev };
    }

    protected static PostMessage Post(
        string author, string clientId, string body = "hello", long at = 1_000, long? replyTo = null, MessageKind kind = MessageKind.Text, params string[] mentions) =>
        new(author, clientId, at, kind, body, replyTo, [], mentions);

    protected static EditMessage Edit(string author, string clientId, long seq, string body, params string[] mentions) =>
        new(author, clientId, 2_000, seq, body, mentions);

    protected static DeleteMessage Delete(string author, string clientId, long seq, bool asModerator = false) =>
        new(author, clientId, 3_000, seq, asModerator);

    protected static React React(string author, string clientId, long seq, string emoji, bool on = true) =>
        new(author, clientId, 4_000, seq, emoji, on);

    /// <summary>Writes a room and keeps the rev that it last knew.</summary>
    protected sealed class HostedRoom(MessageStoreSpec spec, string id, long epoch)
    {
        public string Id => id;

        public long Rev { get; set; }

        public RoomWrite Batch(params RoomChange[] changes) => new(id, epoch, Rev, changes);

        public async Task<IReadOnlyList<ChangeResult>> WriteAsync(params RoomChange[] changes)
        {
            var result = (await spec.Store.WriteAsync([Batch(changes)], default).WaitAsync(Limit))[0];
            Assert.Equal(RoomStatus.Ok, result.Status);
            Rev = result.Rev;
            return result.Changes;
        }

        public async Task<ChangeResult> WriteOneAsync(RoomChange change) => Assert.Single(await WriteAsync(change));

        /// <summary>Posts m1, m2, … by alice, the i-th at time 1000 + i.</summary>
        public async Task PostManyAsync(int count)
        {
            var from = (int)Rev;
            await WriteAsync([.. Enumerable.Range(from + 1, count).Select(i => Post("alice", $"c{i}", $"m{i}", 1_000 + i))]);
        }

        public Task<ChangesPage> AfterAsync(long rev, int limit = 100, string? reader = null) =>
            spec.Store.ReadAfterAsync(id, rev, limit, reader, default).WaitAsync(Limit);

        public Task<MessagesPage> BeforeAsync(long? seq = null, int limit = 100, string? reader = null) =>
            spec.Store.ReadBeforeAsync(id, seq, limit, reader, default).WaitAsync(Limit);

        public Task<Message?> FindAsync(long seq, string? reader = null) =>
            spec.Store.FindMessageAsync(id, seq, reader, default).WaitAsync(Limit);

        public async Task<ReadState> ReadStateAsync(string user) =>
            Assert.Single(await spec.Store.ReadMarksAsync(user, [id], default).WaitAsync(Limit));
    }
}
