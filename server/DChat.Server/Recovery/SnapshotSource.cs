using DChat.Core.Blobs;
using DChat.Core.Registry;
using DChat.Server.Coordinator.Snapshots;
using DChat.Server.Http.Files;

namespace DChat.Server.Recovery;

/// <summary>A snapshot of the registry beside the files of its rooms.</summary>
internal sealed class SnapshotSource(SnapshotName name, RegistryState registry, long highestIndex, IBlobStore blobs, string place) : IRestoreSource
{
    public string Name => $"{name} in {place}";

    public RegistryState Registry => registry;

    public long HighestIndex => highestIndex;

    public bool HasMessages => false;

    public string Contents => "no messages: those are in the message store, or in a dump of it";

    /// <summary>The files of the rooms that the snapshot knows.</summary>
    public async Task ReplayAsync(IRestoreSink sink, CancellationToken cancellation)
    {
        await foreach (var blob in blobs.ListAsync(FileId.Folder, cancellation))
        {
            if (FileId.RoomOf(blob.Name) is { } room && registry.FindRoom(room) is not null
                && await blobs.OpenAsync(blob.Name, cancellation) is { } content)
            {
                await using (content)
                {
                    await sink.TakeBlobAsync(blob.Name, content.Stream, cancellation);
                }
            }
        }
    }
}
