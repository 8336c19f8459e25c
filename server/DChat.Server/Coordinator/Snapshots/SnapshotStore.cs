using System.IO.Compression;
using System.Security.Cryptography;
using DChat.Core.Blobs;
using DChat.Core.Registry;
using DChat.Storage.Files;

namespace DChat.Server.Coordinator.Snapshots;

/// <summary>Snapshots of the registry in the blob store: compressed, sealed under the cluster secret, named by index, term and hash.</summary>
/// <param name="scratch">The folder in which a snapshot is put together before its hash, and so its name, is known.</param>
/// <param name="time">By which a snapshot says when it was written; null: the system's.</param>
public sealed class SnapshotStore(IBlobStore blobs, ClusterSecret secret, string scratch, TimeProvider? time = null)
{
    /// <summary>Names that one listing may hold, the newest; far more than retention leaves.</summary>
    public const int ListMax = 10_000;

    private const string NotItsName = "its content is not that of its name";

    private const string ScratchPattern = "snapshot-*.tmp";

    private readonly Lock _lock = new();
    private readonly HashSet<SnapshotName> _unproven = [];

    /// <summary>What this object may have stored, could not read back as what was written, and could not remove either: one at most.</summary>
    public IReadOnlyList<SnapshotName> Unproven
    {
        get
        {
            lock (_lock)
            {
                return [.. _unproven];
            }
        }
    }

    /// <summary>The snapshots that are there, whether they can be read or not, newest first; but for those that are <see cref="Unproven"/>.</summary>
    /// <exception cref="BlobStoreUnavailableException">The blob store is away.</exception>
    public async Task<List<StoredSnapshot>> ListAsync(CancellationToken cancellation)
    {
        var found = new Queue<StoredSnapshot>();
        var unproven = Unproven;
        await foreach (var blob in blobs.ListAsync(SnapshotName.Folder, cancellation))
        {
            if (SnapshotName.TryParse(blob.Name) is { } name && !unproven.Contains(name))
            {
                found.Enqueue(new StoredSnapshot(name, DateTimeOffset.FromUnixTimeMilliseconds(blob.ModifiedAt), blob.Size));
            }

            if (found.Count > ListMax)
            {
                found.Dequeue(); // The oldest: names come in order.
            }
        }

        return [.. found.OrderByDescending(each => each.Name.Index).ThenByDescending(each => each.Name.Term)];
    }

    /// <summary>
    /// Stores the state and reads it back, whole; answers only when what was read is the same registry. Where it is not, or cannot be read, it is removed again:
    /// its name fits its bytes, and nobody else would find anything wrong with it.
    /// </summary>
    /// <exception cref="SnapshotDamagedException">What was read back is not what was written.</exception>
    /// <exception cref="BlobStoreUnavailableException">The blob store, or the scratch folder, cannot be used.</exception>
    public async Task<SnapshotName> WriteAsync(RegistryState state, long term, CancellationToken cancellation)
    {
        try
        {
            Directory.CreateDirectory(scratch);
            Leftovers.Remove(scratch, ScratchPattern);
            foreach (var left in Unproven)
            {
                await DeleteAsync(left, cancellation); // Where it cannot be removed no more are put beside it.
            }

            await using var file = new FileStream(Path.Combine(scratch, ScratchPattern.Replace("*", Guid.NewGuid().ToString("N"), StringComparison.Ordinal)), new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.ReadWrite,
                Options = FileOptions.DeleteOnClose,
            });
            var (name, hash) = await OwnThread.RunAsync(() => Write(state, term, file, cancellation));
            file.Position = 0;
            await StoreAsync(name, file, state, hash, cancellation);
            return name;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new BlobStoreUnavailableException($"a snapshot cannot be put together in '{scratch}': {error.Message}", error);
        }
    }

    /// <summary>The state of a snapshot, every byte of which was checked.</summary>
    /// <exception cref="SnapshotDamagedException">It is missing, is not what was stored, or is sealed by another secret.</exception>
    /// <exception cref="BlobStoreUnavailableException">The blob store is away.</exception>
    public async Task<RegistryState> ReadAsync(SnapshotName name, CancellationToken cancellation)
    {
        var (state, _) = await ReadAsync(name, RegistrySnapshot.Read, cancellation);
        return state.Index == name.Index ? state : throw new SnapshotDamagedException(name, NotItsName);
    }

    /// <summary>
    /// Looks whether the blob store still holds, to the last byte, what was sealed, and whether it can be read: whoever wrote it may have ended before it read it back.
    /// Keeps nothing of it, where <see cref="ReadAsync(SnapshotName, CancellationToken)"/> would hold a second registry in memory.
    /// </summary>
    /// <returns>When it was written, by the clock of whoever did; null: it is of a version that does not say so.</returns>
    /// <exception cref="SnapshotDamagedException">It is missing, is not what was stored, or is sealed by another secret.</exception>
    /// <exception cref="BlobStoreUnavailableException">The blob store is away.</exception>
    public async Task<DateTimeOffset?> VerifyAsync(SnapshotName name, CancellationToken cancellation)
    {
        var (index, sealedAt) = await ReadAsync(name, RegistrySnapshot.Check, cancellation);
        return index == name.Index ? sealedAt : throw new SnapshotDamagedException(name, NotItsName);
    }

    private async Task<(T Result, DateTimeOffset? SealedAt)> ReadAsync<T>(SnapshotName name, Func<Stream, T> read, CancellationToken cancellation)
    {
        await using var content = await blobs.OpenAsync(name.ToString(), cancellation) ?? throw new SnapshotDamagedException(name, "it is missing");
        try
        {
            return await OwnThread.RunAsync(() => Read(name, new StoppableStream(content.Stream, cancellation), read));
        }
        catch (InvalidDataException error)
        {
            throw new SnapshotDamagedException(name, error.Message, error);
        }
        catch (IOException error)
        {
            throw new BlobStoreUnavailableException($"snapshot '{name}' cannot be read: {error.Message}", error);
        }
    }

    /// <summary>When the snapshot was stored, or null where it is gone.</summary>
    /// <exception cref="BlobStoreUnavailableException">The blob store is away.</exception>
    public async Task<DateTimeOffset?> ReadTimeAsync(SnapshotName name, CancellationToken cancellation)
    {
        await foreach (var blob in blobs.ListAsync(name.ToString(), cancellation))
        {
            return DateTimeOffset.FromUnixTimeMilliseconds(blob.ModifiedAt);
        }

        return null;
    }

    /// <summary>Says who keeps its snapshots here from now on.</summary>
    /// <inheritdoc cref="LeaderNote.WriteAsync"/>
    /// <exception cref="BlobStoreUnavailableException">The blob store is away.</exception>
    public Task NoteLeaderAsync(string advertise, CancellationToken cancellation) => LeaderNote.WriteAsync(blobs, advertise, cancellation);

    /// <summary>Whether any leader ever said that it keeps its snapshots here.</summary>
    /// <exception cref="BlobStoreUnavailableException">The blob store is away.</exception>
    public async Task<bool> HasLeaderNoteAsync(CancellationToken cancellation) => await LeaderNote.ReadAsync(blobs, cancellation) is not null;

    public async Task DeleteAsync(SnapshotName name, CancellationToken cancellation)
    {
        await blobs.DeleteAsync(name.ToString(), cancellation);
        lock (_lock)
        {
            _unproven.Remove(name);
        }
    }

    private async Task StoreAsync(SnapshotName name, FileStream file, RegistryState state, byte[] hash, CancellationToken cancellation)
    {
        try
        {
            await blobs.PutAsync(name.ToString(), file, cancellation);
            var (echo, _) = await ReadAsync(name, plain => RegistrySnapshot.EchoHash(plain, state), cancellation);
            if (!echo.AsSpan().SequenceEqual(hash))
            {
                throw new SnapshotDamagedException(name, "what was read back is another registry than was written");
            }
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            lock (_lock)
            {
                _unproven.Add(name);
            }

            await TryRemoveAsync(name, cancellation);
            throw;
        }
    }

    private async Task TryRemoveAsync(SnapshotName unproven, CancellationToken cancellation)
    {
        try
        {
            await DeleteAsync(unproven, cancellation);
        }
        catch (BlobStoreUnavailableException)
        {
            return; // It is not listed here, and goes before the next snapshot is written.
        }
    }

    /// <returns>The name, and the <see cref="RegistrySnapshot.StateHash"/> of what was written.</returns>
    private (SnapshotName Name, byte[] StateHash) Write(RegistryState state, long term, FileStream file, CancellationToken cancellation)
    {
        using var sha = SHA256.Create();
        using (var sealing = new SealingStream(file, SealKind.Snapshot, secret, state.Index, term, (time ?? TimeProvider.System).GetUtcNow()))
        using (var compressed = new BrotliStream(sealing, CompressionLevel.Fastest))
        using (var hashed = new CryptoStream(compressed, sha, CryptoStreamMode.Write))
        {
            RegistrySnapshot.Write(state, new StoppableStream(hashed, cancellation));
        }

        file.Flush();
        file.Position = 0;
        return (new SnapshotName(state.Index, term, SnapshotName.HashOf(SHA256.HashData(file))), sha.Hash!);
    }

    private (T Result, DateTimeOffset? SealedAt) Read<T>(SnapshotName name, Stream stored, Func<Stream, T> read)
    {
        using var sha = SHA256.Create();
        using var hashed = new CryptoStream(stored, sha, CryptoStreamMode.Read, leaveOpen: true);
        using var unsealed = Unseal();
        using var plain = new BrotliStream(unsealed, CompressionMode.Decompress);
        var result = read(plain);
        if (plain.ReadByte() >= 0)
        {
            throw new InvalidDataException("there is more in it than a registry");
        }

        unsealed.ReadToEnd();
        if (SnapshotName.HashOf(sha.Hash!) != name.Hash || unsealed.Index != name.Index || unsealed.Term != name.Term)
        {
            throw new InvalidDataException(NotItsName);
        }

        return (result, unsealed.SealedAt);

        UnsealingStream Unseal()
        {
            try
            {
                return new UnsealingStream(hashed, SealKind.Snapshot, secret);
            }
            catch (UnknownRegistryEventException)
            {
                hashed.CopyTo(Stream.Null);
                if (SnapshotName.HashOf(sha.Hash!) != name.Hash)
                {
                    throw new InvalidDataException(NotItsName); // No newer program: damage.
                }

                throw;
            }
        }
    }
}

/// <summary>A snapshot is missing, or is not what was stored.</summary>
public sealed class SnapshotDamagedException(SnapshotName name, string what, Exception? inner = null)
    : Exception($"snapshot '{name}' cannot be used: {what}", inner)
{
    public SnapshotName Snapshot { get; } = name;

    /// <summary>What is wrong with it.</summary>
    public string What { get; } = what;
}
