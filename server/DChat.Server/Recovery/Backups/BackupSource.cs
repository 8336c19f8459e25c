using DChat.Core.Messages;
using DChat.Core.Registry;
using DChat.Server.Cli;

namespace DChat.Server.Recovery.Backups;

/// <summary>A backup that was read through once; it is read a second time as it is put back.</summary>
internal sealed class BackupSource(BackupStore store, BackupName name, string place, RegistryState registry, BackupEnd end) : IRestoreSource
{
    public BackupName Backup => name;

    public string Name => $"{name} in {place}";

    public RegistryState Registry => registry;

    public long HighestIndex => registry.Index;

    public bool HasMessages => true;

    public string Contents => ContentsOf(end);

    public static string ContentsOf(BackupEnd end) =>
        $"{SizeText.Count(end.Messages, "message")} in {SizeText.Count(end.Rooms, "room")}; {SizeText.Count(end.Blobs, "blob")} of files, {SizeText.Of(end.BlobBytes)}";

    public async Task ReplayAsync(IRestoreSink sink, CancellationToken cancellation)
    {
        var again = await store.ReadAsync(name, new Replay(sink), cancellation);
        if (again != end)
        {
            throw new BackupDamagedException(name, "it is another than it was a moment ago");
        }
    }

    private sealed class Replay(IRestoreSink sink) : IBackupVisitor
    {
        public void TakeRegistry(RegistryState registry)
        {
            // It is known since the first reading.
        }

        public Task TakePieceAsync(RoomPiece piece, CancellationToken cancellation) => sink.TakePieceAsync(piece, cancellation);

        public Task TakeBlobAsync(string name, Stream content, CancellationToken cancellation) => sink.TakeBlobAsync(name, content, cancellation);
    }
}
