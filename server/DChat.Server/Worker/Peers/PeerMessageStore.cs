using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using DChat.Core.Messages;
using DChat.Core.Registry;
using DChat.Server.Coordinator;

namespace DChat.Server.Worker.Peers;

/// <summary>
/// The message store of a worker that has none, a gateway only: it reads at a host, whichever can be reached, and writes read marks there.
/// Rooms are never assigned to such a worker, so it has nothing to open or write.
/// </summary>
internal sealed class PeerMessageStore(PeerPorts ports, RegistryReplica replica) : IMessageStore
{
    /// <summary>Rooms of one question for read marks.</summary>
    public const int RoomsMax = 100_000;

    /// <summary>Read marks of one request.</summary>
    public const int MarksMax = 10_000;

    /// <summary>How long a host is waited for that can be reached.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(50);

    public bool IsShared => true;

    public SearchLag SearchLag => default;

    public Task<string> ReadIdAsync(CancellationToken cancellation) => throw new NotSupportedException("a gateway only has no message store");

    public Task<ChangesPage> ReadAfterAsync(string room, long afterRev, int limit, string? reader, CancellationToken cancellation) =>
        AskAsync(new ReadAfterRequest(room, afterRev, limit, reader), StoreJson.Wire.ChangesPage, cancellation);

    public Task<MessagesPage> ReadBeforeAsync(string room, long? beforeSeq, int limit, string? reader, CancellationToken cancellation) =>
        AskAsync(new ReadBeforeRequest(room, beforeSeq, limit, reader), StoreJson.Wire.MessagesPage, cancellation);

    public async Task<Message?> FindMessageAsync(string room, long seq, string? reader, CancellationToken cancellation) =>
        (await AskAsync(new FindMessageRequest(room, seq, reader), StoreJson.Wire.FoundOneMessage, cancellation).ConfigureAwait(false)).Value;

    public async Task<ChangeAnswer?> FindAnswerAsync(string room, string author, string clientId, CancellationToken cancellation) =>
        (await AskAsync(new FindAnswerRequest(room, author, clientId), StoreJson.Wire.FoundNullableChangeAnswer, cancellation).ConfigureAwait(false)).Value;

    public Task<SearchPage> SearchAsync(SearchQuery query, CancellationToken cancellation) =>
        AskAsync(new SearchStoreRequest(query), StoreJson.Wire.SearchPage, cancellation);

    public Task<IReadOnlyList<ReadState>> ReadMarksAsync(string user, IReadOnlyList<string> rooms, CancellationToken cancellation) =>
        AskAsync(new ReadMarksRequest(user, rooms), StoreJson.Wire.IReadOnlyListReadState, cancellation);

    public async Task WriteMarksAsync(IReadOnlyList<ReadMark> marks, CancellationToken cancellation)
    {
        foreach (var part in marks.Chunk(MarksMax))
        {
            await AskAsync(new WriteMarksRequest(part), StoreJson.Wire.FoundBoolean, cancellation).ConfigureAwait(false);
        }
    }

    public Task CloseAsync(string room, CancellationToken cancellation) => AskAsync(new CloseRequest(room), StoreJson.Wire.FoundBoolean, cancellation);

    public Task CheckAsync(CancellationToken cancellation) => AskAsync(new CheckRequest(), StoreJson.Wire.FoundBoolean, cancellation);

    public Task<IReadOnlyList<RoomOpening>> OpenAsync(IReadOnlyList<RoomAtEpoch> rooms, CancellationToken cancellation) => throw GatewayOnly();

    public Task<IReadOnlyList<RoomWriteResult>> WriteAsync(IReadOnlyList<RoomWrite> batch, CancellationToken cancellation) => throw GatewayOnly();

    /// <summary>Hosts tell it.</summary>
    public Task<IReadOnlyList<long>> ReadLastSentAsync(IReadOnlyList<string> rooms, CancellationToken cancellation) =>
        Task.FromResult<IReadOnlyList<long>>(new long[rooms.Count]);

    public Task<IReadOnlyList<long>> ReadEpochsAsync(IReadOnlyList<string> rooms, CancellationToken cancellation) => throw GatewayOnly();

    /// <summary>Hosts see to that.</summary>
    public Task<bool> PurgeAsync(int limit, CancellationToken cancellation) => Task.FromResult(false);

    /// <inheritdoc cref="PurgeAsync"/>
    public Task<bool> RetainAsync(RoomAtEpoch room, long sentBefore, long keptMs, int limit, CancellationToken cancellation) => Task.FromResult(false);

    public ValueTask DisposeAsync() => default;

    private static MessageStoreUnavailableException GatewayOnly() => new("this worker has no message store: it hosts no rooms");

    private async Task<T> AskAsync<T>(StoreRequest request, JsonTypeInfo<T> type, CancellationToken cancellation)
    {
        var asked = JsonSerializer.SerializeToUtf8Bytes(request, StoreJson.Wire.StoreRequest);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Patience);
        try
        {
            while (true)
            {
                foreach (var port in Hosts())
                {
                    if (await port.AskStoreAsync(asked, limit.Token).ConfigureAwait(false) is { } answer)
                    {
                        return answer.Length > 0 ? JsonSerializer.Deserialize(answer, type)! : throw new FormatException("a host found the request not valid");
                    }
                }

                await Task.Delay(LookAgain, limit.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new MessageStoreUnavailableException("no host could be asked within " + Patience.TotalSeconds + " s");
        }
        catch (JsonException failure)
        {
            throw new MessageStoreUnavailableException("a host's answer could not be read", failure);
        }
    }

    /// <summary>In an order of chance, so that reading is spread; links that are up first.</summary>
    private IEnumerable<PeerPort> Hosts()
    {
        var hosts = replica.State.Workers().Where(static worker => worker is { Capacity: > 0, State: WorkerState.Active or WorkerState.Draining })
            .Select(worker => ports.Find(worker.Id)).OfType<PeerPort>().ToArray();
        Random.Shared.Shuffle(hosts);
        return hosts.OrderByDescending(static port => port.IsUp);
    }
}
