using DChat.Storage;
using DChat.Storage.Sqlite;
using DChat.Storage.Sqlite.Messages;

namespace DChat.Benchmarks.Commit;

/// <summary>The yardstick: rows of messages and answers into the store's own schema, prepared, batched, durable, and nothing else.</summary>
internal sealed class BareInserts : IDisposable
{
    public const string Body = "The quick brown fox jumps over the lazy dog, as it does in every office every day.";

    private readonly SqliteSession _session;
    private readonly SqliteStatement _message;
    private readonly SqliteStatement _answer;
    private long _batch;

    public BareInserts(string path)
    {
        _session = SqliteSession.OpenWriter(path, SqliteSynchronous.Full);
        SqliteMigrations.Apply(_session, path, MessageSchema.ApplicationId, MessageSchema.Migrations, TimeProvider.System);
        StoreWriter.Tune(_session);
        _message = _session.Prepare(
            "INSERT INTO messages(id, room_key, rev, kind, author, client_id, sent_at, body) VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, ?7)");
        _answer = _session.Prepare("INSERT INTO answers VALUES (?1, ?2, ?3, ?4, ?4, ?5)");
    }

    public void Insert(int rows, int rooms) => _session.Write(() =>
    {
        var each = rows / rooms;
        var seq = _batch++ * each;
        for (var room = 1; room <= rooms; room++)
        {
            for (var i = 1; i <= each; i++)
            {
                var (author, clientId) = ($"user{i + room}", Guid.NewGuid().ToString());
                _message.Bind(1, RowId.Of(room, seq + i)).Bind(2, room).Bind(3, seq + i).Bind(4, author).Bind(5, clientId).Bind(6, _batch).Bind(7, Body).Run();
                _answer.Bind(1, room).Bind(2, author).Bind(3, clientId).Bind(4, seq + i).Bind(5, _batch).Run();
            }
        }

        return true;
    });

    public void Dispose() => _session.Dispose();
}
