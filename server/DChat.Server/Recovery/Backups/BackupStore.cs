using System.IO.Pipelines;
using DChat.Core.Blobs;
using DChat.Core.Messages;
using DChat.Core.Registry;
using DChat.Server.Coordinator;

namespace DChat.Server.Recovery.Backups;

/// <summary>The backups of a place. Each is one blob, and a blob is there whole or not at all: so an interrupted backup is none.</summary>
internal sealed class BackupStore(IBlobStore blobs, ClusterSecret secret)
{
    /// <summary>Names that one listing may hold, the newest.</summary>
    public const int ListMax = 10_000;

    /// <summary>The backups that are there, whether they can be read or not, newest first.</summary>
    public async Task<List<(BackupName Name, long Size)>> ListAsync(CancellationToken cancellation)
    {
        var found = new Queue<(BackupName Name, long Size)>();
        await foreach (var blob in blobs.ListAsync(BackupName.Folder, cancellation))
        {
            if (BackupName.TryParse(blob.Name) is { } name)
            {
                found.Enqueue((name, blob.Size));
            }

            if (found.Count > ListMax)
            {
                found.Dequeue(); // The oldest: names come in order.
            }
        }

        return [.. found.OrderByDescending(each => each.Name.StartedAt).ThenByDescending(each => each.Name.Random, StringComparer.Ordinal)];
    }

    /// <summary>Stores what is written; where that fails, or is cancelled, nothing is there.</summary>
    public async Task<BackupEnd> WriteAsync(BackupName name, string product, Func<BackupWriter, CancellationToken, Task> write, CancellationToken cancellation)
    {
        var pipe = new Pipe();
        using var failed = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await using var content = pipe.Reader.AsStream();
        var storing = StoreAsync(name, content, failed);
        try
        {
            // Not on this thread: what is sealed is written to the pipe, and that waits for the store.
            var end = await Task.Run(() => ProduceAsync(pipe, name, product, write, failed.Token), CancellationToken.None);
            await pipe.Writer.CompleteAsync();
            await storing;
            return end;
        }
        catch (Exception error)
        {
            await pipe.Writer.CompleteAsync(error); // Whoever reads is told, and stores nothing.
            await ((Task)storing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (storing.IsFaulted && !cancellation.IsCancellationRequested && error is OperationCanceledException)
            {
                await storing; // That is why.
            }

            throw;
        }
    }

    /// <summary>Reads a backup through, to its last byte.</summary>
    /// <exception cref="BackupDamagedException">It is missing, damaged, not whole, or sealed by another secret.</exception>
    /// <exception cref="BlobStoreUnavailableException">The place cannot be reached.</exception>
    public async Task<BackupEnd> ReadAsync(BackupName name, IBackupVisitor visitor, CancellationToken cancellation)
    {
        await using var content = await blobs.OpenAsync(name.ToString(), cancellation) ?? throw new BackupDamagedException(name, "it is missing");
        try
        {
            return await BackupReader.ReadAsync(content.Stream, secret, name.StartedAt, visitor, cancellation);
        }
        catch (InvalidDataException error)
        {
            throw new BackupDamagedException(name, error.Message, error);
        }
        catch (IOException error)
        {
            throw new BlobStoreUnavailableException($"backup '{name}' cannot be read: {error.Message}", error);
        }
    }

    /// <summary>The registry of a backup, every byte of which was checked, and what is in it.</summary>
    public async Task<(RegistryState Registry, BackupEnd End)> VerifyAsync(BackupName name, CancellationToken cancellation)
    {
        var look = new Look();
        var end = await ReadAsync(name, look, cancellation);
        return (look.Registry!, end);
    }

    private async Task<BackupEnd> ProduceAsync(Pipe pipe, BackupName name, string product, Func<BackupWriter, CancellationToken, Task> write, CancellationToken cancellation)
    {
        await using var output = pipe.Writer.AsStream(leaveOpen: true);
        using var writer = new BackupWriter(output, secret, name.StartedAt, product);
        await write(writer, cancellation);
        cancellation.ThrowIfCancellationRequested();
        return writer.Finish();
    }

    private async Task StoreAsync(BackupName name, Stream content, CancellationTokenSource failed)
    {
        try
        {
            await blobs.PutAsync(name.ToString(), content, failed.Token);
        }
        catch
        {
            await content.DisposeAsync(); // Ends the wait of whoever writes.
            await failed.CancelAsync();
            throw;
        }
    }

    private sealed class Look : IBackupVisitor
    {
        public RegistryState? Registry { get; private set; }

        public void TakeRegistry(RegistryState registry) => Registry = registry;

        public Task TakePieceAsync(RoomPiece piece, CancellationToken cancellation) => Task.CompletedTask;

        public Task TakeBlobAsync(string name, Stream content, CancellationToken cancellation) => Task.CompletedTask;
    }
}

/// <summary>A backup is missing, or is not what was stored.</summary>
internal sealed class BackupDamagedException(BackupName name, string what, Exception? inner = null) : Exception($"backup '{name}' cannot be used: {what}", inner)
{
    /// <summary>What is wrong with it.</summary>
    public string What { get; } = what;
}
