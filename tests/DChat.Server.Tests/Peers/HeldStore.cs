using DChat.Core.Messages;

namespace DChat.Server.Tests.Peers;

/// <summary>One host's way to the store that all share. Held, what it writes waits on the way, as in a process that is stopped.</summary>
internal sealed class HeldStore(IMessageStore store) : IMessageStore
{
    private volatile TaskCompletionSource? _held;
    private int _writing;

    /// <summary>Batches that are being written, or wait on the way.</summary>
    public int Writing => Volatile.Read(ref _writing);

    /// <summary>Thrown where a repeat's first answer is looked for.</summary>
    public Func<Exception>? FindFault { get; set; }

    /// <summary>Thrown where it is asked whose rooms are.</summary>
    public Func<Exception>? EpochsFault { get; set; }

    /// <summary>Thrown where it is asked whether the store can be used.</summary>
    public Func<Exception>? CheckFault { get; set; }

    public bool IsShared => true;

    public SearchLag SearchLag => store.SearchLag;

    public void Hold() => _held ??= new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Release()
    {
        var held = _held;
        _held = null;
        held?.TrySetResult();
    }

    public async Task<IReadOnlyList<RoomOpening>> OpenAsync(IReadOnlyList<RoomAtEpoch> rooms, CancellationToken cancellation)
    {
        await PassAsync();
        return await store.OpenAsync(rooms, cancellation);
    }

    public async Task<IReadOnlyList<RoomWriteResult>> WriteAsync(IReadOnlyList<RoomWrite> batch, CancellationToken cancellation)
    {
        Interlocked.Increment(ref _writing);
        try
        {
            await PassAsync();
            return await store.WriteAsync(batch, cancellation);
        }
        finally
        {
            Interlocked.Decrement(ref _writing);
        }
    }

    public Task<IReadOnlyList<long>> ReadLastSentAsync(IReadOnlyList<string> rooms, CancellationToken cancellation) => store.ReadLastSentAsync(rooms, cancellation);

    public async Task<IReadOnlyList<long>> ReadEpochsAsync(IReadOnlyList<string> rooms, CancellationToken cancellation)
    {
        await PassAsync();
        return EpochsFault is { } fault ? throw fault() : await store.ReadEpochsAsync(rooms, cancellation);
    }

    public Task<ChangeAnswer?> FindAnswerAsync(string room, string author, string clientId, CancellationToken cancellation) =>
        FindFault is { } fault ? Task.FromException<ChangeAnswer?>(fault()) : store.FindAnswerAsync(room, author, clientId, cancellation);

    public Task<ChangesPage> ReadAfterAsync(string room, long afterRev, int limit, string? reader, CancellationToken cancellation) =>
        store.ReadAfterAsync(room, afterRev, limit, reader, cancellation);

    public Task<MessagesPage> ReadBeforeAsync(string room, long? beforeSeq, int limit, string? reader, CancellationToken cancellation) =>
        store.ReadBeforeAsync(room, beforeSeq, limit, reader, cancellation);

    public Task<Message?> FindMessageAsync(string room, long seq, string? reader, CancellationToken cancellation) =>
        store.FindMessageAsync(room, seq, reader, cancellation);

    public Task<SearchPage> SearchAsync(SearchQuery query, CancellationToken cancellation) => store.SearchAsync(query, cancellation);

    public Task<IReadOnlyList<ReadState>> ReadMarksAsync(string user, IReadOnlyList<string> rooms, CancellationToken cancellation) =>
        store.ReadMarksAsync(user, rooms, cancellation);

    public Task WriteMarksAsync(IReadOnlyList<ReadMark> marks, CancellationToken cancellation) => store.WriteMarksAsync(marks, cancellation);

    public Task CloseAsync(string room, CancellationToken cancellation) => store.CloseAsync(room, cancellation);

    public Task<bool> PurgeAsync(int limit, CancellationToken cancellation) => store.PurgeAsync(limit, cancellation);

    public Task<bool> RetainAsync(RoomAtEpoch room, long sentBefore, long keptMs, int limit, CancellationToken cancellation) =>
        store.RetainAsync(room, sentBefore, keptMs, limit, cancellation);

    public Task<string> ReadIdAsync(CancellationToken cancellation) => store.ReadIdAsync(cancellation);

    public Task CheckAsync(CancellationToken cancellation) => CheckFault is { } fault ? Task.FromException(fault()) : store.CheckAsync(cancellation);

    /// <summary>The store is the cluster's.</summary>
    public ValueTask DisposeAsync() => default;

    private Task PassAsync() => _held?.Task ?? Task.CompletedTask;
}
