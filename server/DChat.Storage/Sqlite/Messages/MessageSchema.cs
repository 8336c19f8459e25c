namespace DChat.Storage.Sqlite.Messages;

/// <summary>The tables of <c>messages.db</c>.</summary>
internal static class MessageSchema
{
    /// <summary>"DCMS".</summary>
    public const int ApplicationId = 0x44434D53;

    public static IReadOnlyList<SqliteMigration> Migrations { get; } =
    [
        new SqliteMigration(1, Version1),
    ];

    // messages.id is RowId: a room's messages lie together in order of seq, so that needs no index of its own.
    // rooms.removed_seq and removed_rev: what retention took; all messages above removed_seq are there.
    // answers outlive retention; reactions.ordinal is the rev that the reaction took.
    private const string Version1 = """
        CREATE TABLE store(id TEXT NOT NULL, checks INTEGER NOT NULL) STRICT;
        INSERT INTO store(id, checks) VALUES (lower(hex(randomblob(16))), 0);

        CREATE TABLE rooms(
            key INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            epoch INTEGER NOT NULL,
            seq INTEGER NOT NULL DEFAULT 0,
            rev INTEGER NOT NULL DEFAULT 0,
            last_sent_at INTEGER NOT NULL DEFAULT 0,
            removed_seq INTEGER NOT NULL DEFAULT 0,
            removed_rev INTEGER NOT NULL DEFAULT 0,
            purged INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        CREATE INDEX rooms_to_purge ON rooms(key) WHERE epoch = 9223372036854775807 AND purged = 0;

        CREATE TABLE messages(
            id INTEGER PRIMARY KEY,
            room_key INTEGER NOT NULL,
            rev INTEGER NOT NULL,
            kind INTEGER NOT NULL,
            author TEXT NOT NULL,
            client_id TEXT NOT NULL,
            sent_at INTEGER NOT NULL,
            body TEXT NOT NULL,
            reply_to INTEGER,
            edited_at INTEGER,
            deleted_at INTEGER,
            files TEXT,
            reactions TEXT,
            mentions TEXT
        ) STRICT;
        CREATE UNIQUE INDEX messages_rev ON messages(room_key, rev);

        CREATE TABLE answers(
            room_key INTEGER NOT NULL,
            author TEXT NOT NULL,
            client_id TEXT NOT NULL,
            seq INTEGER NOT NULL,
            rev INTEGER NOT NULL,
            sent_at INTEGER NOT NULL,
            PRIMARY KEY (room_key, author, client_id)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE reactions(
            message_id INTEGER NOT NULL,
            user TEXT NOT NULL,
            emoji TEXT NOT NULL,
            ordinal INTEGER NOT NULL,
            PRIMARY KEY (message_id, user, emoji)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX reactions_order ON reactions(message_id, emoji, ordinal);

        CREATE TABLE mentions(
            room_key INTEGER NOT NULL,
            user TEXT NOT NULL,
            seq INTEGER NOT NULL,
            PRIMARY KEY (room_key, user, seq)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE read_marks(
            room_key INTEGER NOT NULL,
            user TEXT NOT NULL,
            seq INTEGER NOT NULL,
            PRIMARY KEY (room_key, user)
        ) STRICT, WITHOUT ROWID;
        """;
}
