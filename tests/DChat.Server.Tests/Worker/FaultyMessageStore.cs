using System.Collections.Concurrent;
using DChat.Core.Messages;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace DChat.Server.Tests.Worker;

/// <summary>The server's own message store, whose calls fail as the test says.</summary>
internal sealed class FaultyMessageStore(IMessageStore inner) : IMessageStore
{
    /// <summary>Thrown by every opening of rooms.</summary>
    public Func<Exception>? OpenFault { get; set; }

    /// <summary>Thrown by every write, of which nothing is committed.</summary>
    public Func<Exception>? WriteFault { get; set; }

    /// <summary>What every write waits for on its way.</summary>
    public Task WritesHeld { get; set; } = Task.CompletedTask;

    /// <summary>A room whose writes are made, and told as unknown; the others of their batches are not.</summary>
    public string? UnknownRoom { get; set; }

    /// <summary>The rooms of each batch that was to be written.</summary>
    public ConcurrentQueue<string[]> Batches { get; } = new();

    /// <summary>What every search waits for on its way.</summary>
    public Task SearchesHeld { get; set; } = Task.CompletedTask;

    /// <summary>Searches that were begun.</summary>
    public int Searches { get; private set; }

    /// <summary>Thrown by <see cref="CloseAsync"/>.</summary>
    public Func<Exception>? CloseFault { get; set; }

    /// <summary>Thrown where a repeat's first answer is looked for.</summary>
    public Func<Exception>? FindFault { get; set; }

    /// <summary>Thrown by <see cref="CheckAsync"/>.</summary>
    public Func<Exception>? CheckFault { get; set; }

    /// <summary>What a step of removing old messages does instead, and whether it says that there are more. Null: what it should.</summary>
    public Func<Task<bool>>? Retains { get; set; }

    /// <summary>As a database is read that is behind: what is newer than this is not there, of messages that nothing was done to but to post them. Null: all is.</summary>
    public long? ReadsUpTo { get; set; }

    public bool IsShared => inner.IsShared;

    public SearchLag SearchLag => inner.SearchLag;

    /// <summary>Puts one before the store of a server that is being built.</summary>
    public static void Wrap(WebApplicationBuilder builder)
    {
        var engine = builder.Services.Last(service => service.ServiceType == typeof(IMessageStore)).ImplementationFactory!;
        builder.Services.AddSingleton<IMessageStore>(provider => new FaultyMessageStore((IMessageStore)engine(provider)));
    }

    public Task<IReadOnlyList<RoomOpening>> OpenAsync(IReadOnlyList<RoomAtEpoch> rooms, CancellationToken cancellation) =>
        OpenFault is { } fault ? Task.FromException<IReadOnlyList<RoomOpening>>(fault()) : inner.OpenAsync(rooms, cancellation);

    public async Task<IReadOnlyList<RoomWriteResult>> WriteAsync(IReadOnlyList<RoomWrite> batch, CancellationToken cancellation)
    {
        Batches.Enqueue([.. batch.Select(write => write.Room)]);
        await WritesHeld;
        if (WriteFault is { } fault)
        {
            throw fault();
        }

        var results = await inner.WriteAsync(batch, cancellation);
        return [.. results.Select((result, i) => batch[i].Room == UnknownRoom ? new RoomWriteResult(RoomStatus.Unknown, 0, 0, []) : result)];
    }

    public Task<ChangeAnswer?> FindAnswerAsync(string room, string author, string clientId, CancellationToken cancellation) =>
        FindFault is { } fault ? Task.FromException<ChangeAnswer?>(fault()) : inner.FindAnswerAsync(room, author, clientId, cancellation);

    public async Task<ChangesPage> ReadAfterAsync(string room, long afterRev, int limit, string? reader, CancellationToken cancellation)
    {
        var page = await inner.ReadAfterAsync(room, afterRev, limit, reader, cancellation);
        return ReadsUpTo is { } upTo && upTo < page.Rev
            ? new ChangesPage(page.Reset || afterRev > upTo, upTo, [.. page.Messages.Where(message => message.Rev <= upTo)], page.More)
            : page;
    }

    public Task<MessagesPage> ReadBeforeAsync(string room, long? beforeSeq, int limit, string? reader, CancellationToken cancellation) =>
        inner.ReadBeforeAsync(room, ReadsUpTo is { } upTo ? Math.Min(beforeSeq ?? long.MaxValue, upTo + 1) : beforeSeq, limit, reader, cancellation);

    public Task<Message?> FindMessageAsync(string room, long seq, string? reader, CancellationToken cancellation) =>
        inner.FindMessageAsync(room, seq, reader, cancellation);

    public async Task<SearchPage> SearchAsync(SearchQuery query, CancellationToken cancellation)
    {
        Searches++;
        await SearchesHeld;
        return await inner.SearchAsync(query, cancellation);
    }

    public Task<IReadOnlyList<ReadState>> ReadMarksAsync(string user, IReadOnlyList<string> rooms, CancellationToken cancellation) =>
        inner.ReadMarksAsync(user, rooms, cancellation);

    public Task WriteMarksAsync(IReadOnlyList<ReadMark> marks, CancellationToken cancellation) => inner.WriteMarksAsync(marks, cancellation);

    public Task<IReadOnlyList<long>> ReadLastSentAsync(IReadOnlyList<string> rooms, CancellationToken cancellation) => inner.ReadLastSentAsync(rooms, cancellation);

    public Task<IReadOnlyList<long>> ReadEpochsAsync(IReadOnlyList<string> rooms, CancellationToken cancellation) => inner.ReadEpochsAsync(rooms, cancellation);

    public Task CloseAsync(string room, CancellationToken cancellation) =>
        CloseFault is { } fault ? Task.FromException(fault()) : inner.CloseAsync(room, cancellation);

    public Task<bool> PurgeAsync(int limit, CancellationToken cancellation) => inner.PurgeAsync(limit, cancellation);

    public Task<bool> RetainAsync(RoomAtEpoch room, long sentBefore, long keptMs, int limit, CancellationToken cancellation) =>
        Retains is { } answer ? answer() : inner.RetainAsync(room, sentBefore, keptMs, limit, cancellation);

    public Task CheckAsync(CancellationToken cancellation) => CheckFault is { } fault ? Task.FromException(fault()) : inner.CheckAsync(cancellation);

    public Task<string> ReadIdAsync(CancellationToken cancellation) => inner.ReadIdAsync(cancellation);

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
