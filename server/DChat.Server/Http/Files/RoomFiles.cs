using System.Text.Json;
using DChat.Core.Blobs;

namespace DChat.Server.Http.Files;

/// <summary>The files of rooms in the blob store: the content, and a description beside it that is written last. A file without one is not there.</summary>
internal sealed class RoomFiles(IBlobStore blobs, TimeProvider time)
{
    /// <summary>Bytes of a description; a larger one is not ours.</summary>
    private const long DescriptionMax = 16 * 1024;

    /// <summary>Stores the content, then, if <paramref name="accept"/> takes its type, the description.</summary>
    public async Task<StoredFile> StoreAsync(string room, string user, string name, string? claimedType, UploadStream content, Action<string> accept, CancellationToken cancellation)
    {
        var id = FileId.New(room);
        await blobs.PutAsync(id.ContentBlob, content, cancellation);
        try
        {
            var type = FileType.Of(content.Head, claimedType);
            accept(type);
            var file = new StoredFile(id.ToString(), room, user, name, content.Size, type, time.GetUtcNow().ToUnixTimeMilliseconds());
            using var description = new MemoryStream(JsonSerializer.SerializeToUtf8Bytes(file, StoredFileJson.Default.StoredFile));
            await blobs.PutAsync(id.DescriptionBlob, description, cancellation);
            return file;
        }
        catch
        {
            await blobs.DeleteAsync(id.ContentBlob, CancellationToken.None);
            throw;
        }
    }

    public async Task<StoredFile?> FindAsync(FileId id, CancellationToken cancellation)
    {
        await using var description = await blobs.OpenAsync(id.DescriptionBlob, cancellation);
        return description is { Size: <= DescriptionMax }
            ? await JsonSerializer.DeserializeAsync(description.Stream, StoredFileJson.Default.StoredFile, cancellation)
            : null;
    }

    public Task<BlobContent?> OpenAsync(FileId id, CancellationToken cancellation) => blobs.OpenAsync(id.ContentBlob, cancellation);

    /// <summary>An address of the storage itself, where it has such, for a client that may have the file.</summary>
    public ValueTask<Uri?> PresignAsync(FileId id, TimeSpan lifetime, string disposition, string type, CancellationToken cancellation) =>
        blobs.PresignAsync(id.ContentBlob, lifetime, disposition, type, cancellation);
}
