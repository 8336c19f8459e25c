using BenchmarkDotNet.Attributes;
using DChat.Core.Messages;
using DChat.Storage.Sqlite.Messages;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Benchmarks.Commit;

/// <summary>
/// What a durable message costs: the message store against bare inserts into the same schema, 200 messages a transaction,
/// all in rooms of their own or all in one room. Figures are for one message.
/// </summary>
[MemoryDiagnoser]
public class CommitBenchmarks : IAsyncDisposable
{
    public const int BatchSize = 200;

    private readonly string _folder = Directory.CreateTempSubdirectory("dchat-commit-").FullName;
    private SqliteMessageStore _store = null!;
    private BareInserts _bare = null!;
    private string[] _rooms = [];
    private long[] _revs = [];
    private int _batch;

    /// <summary>Rooms that a batch touches.</summary>
    [Params(1, BatchSize)]
    public int Rooms { get; set; } = 1;

    [GlobalSetup]
    public async Task OpenAsync()
    {
        _store = SqliteMessageStore.Open(
            new SqliteMessageStoreOptions { Path = Path.Combine(_folder, "messages.db") }, TimeProvider.System, NullLogger<SqliteMessageStore>.Instance);
        _bare = new BareInserts(Path.Combine(_folder, "bare.db"));
        _rooms = [.. Enumerable.Range(0, Rooms).Select(i => $"room{i:d20}")];
        _revs = new long[Rooms];
        await _store.OpenAsync([.. _rooms.Select(room => new RoomAtEpoch(room, 1))], CancellationToken.None);
    }

    [GlobalCleanup]
    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await _store.DisposeAsync();
        _bare.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = BatchSize)]
    public void BareInsert() => _bare.Insert(BatchSize, Rooms);

    [Benchmark(OperationsPerInvoke = BatchSize)]
    public async Task WriteAsync()
    {
        _batch++;
        var batch = new RoomWrite[Rooms];
        for (var room = 0; room < Rooms; room++)
        {
            var changes = new RoomChange[BatchSize / Rooms];
            for (var i = 0; i < changes.Length; i++)
            {
                changes[i] = new PostMessage($"user{i + room}", Guid.NewGuid().ToString(), _batch, MessageKind.Text, BareInserts.Body, null, [], []);
            }

            batch[room] = new RoomWrite(_rooms[room], 1, _revs[room], changes);
        }

        var results = await _store.WriteAsync(batch, CancellationToken.None);
        for (var room = 0; room < Rooms; room++)
        {
            _revs[room] = results[room].Rev;
        }
    }
}
