using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using DChat.Protocol;

namespace DChat.Client.Outbox;

/// <summary>
/// Keeps unsent messages in a folder that only its owner can read, one file a message, in a folder of this process.
/// Several processes may share it: each has its own messages, and takes over those of a process that is gone.
/// </summary>
/// <param name="folder">Belongs to one account at one server; it is made where it is missing.</param>
[SuppressMessage("Reliability", "CA1001", Justification = "Disposing is optional: the lock ends with the process.")]
public sealed class FileOutboxStore(string folder) : IOutboxStore, IDisposable
{
    private const string LockName = "lock";
    private const string Pattern = "*.json";
    private const UnixFileMode FolderMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode FileMode0600 = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly string own = Path.Combine(folder, Guid.CreateVersion7().ToString("N"));
    private readonly Dictionary<string, string> files = [];
    private readonly SemaphoreSlim exclusive = new(1, 1);
    private FileStream? held;
    private long saved;

    /// <inheritdoc/>
    public async Task<IReadOnlyList<SendRequest>> LoadAsync(CancellationToken cancel)
    {
        await exclusive.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            Open();
            foreach (var other in Directory.GetDirectories(folder).Order(StringComparer.Ordinal).Where(other => other != own))
            {
                TakeOver(other);
            }

            List<SendRequest> messages = [];
            foreach (var file in Directory.GetFiles(own, Pattern).Order(StringComparer.Ordinal))
            {
                if (await ReadAsync(file, cancel).ConfigureAwait(false) is { ClientId: { } id } message)
                {
                    files[id] = file;
                    messages.Add(message);
                }
            }

            return messages;
        }
        finally
        {
            exclusive.Release();
        }
    }

    /// <inheritdoc/>
    public async Task SaveAsync(SendRequest message, CancellationToken cancel)
    {
        await exclusive.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            Open();
            var path = NextPath();
            var temporary = path + ".new";
            var file = new FileStream(temporary, OwnerOnly(FileMode.Create));
            await using (file.ConfigureAwait(false))
            {
                await JsonSerializer.SerializeAsync(file, message, ProtocolJson.Wire.SendRequest, cancel).ConfigureAwait(false);
                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, path);
            files[message.ClientId!] = path;
        }
        finally
        {
            exclusive.Release();
        }
    }

    /// <inheritdoc/>
    public async Task RemoveAsync(string clientId, CancellationToken cancel)
    {
        await exclusive.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            if (files.Remove(clientId, out var path))
            {
                File.Delete(path);
            }
        }
        finally
        {
            exclusive.Release();
        }
    }

    /// <summary>Gives the messages that are left to the next process.</summary>
    public void Dispose()
    {
        held?.Dispose();
        held = null;
        exclusive.Dispose();
    }

    private void Open()
    {
        if (held is not null)
        {
            return;
        }

        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(own);
        }
        else
        {
            Directory.CreateDirectory(folder, FolderMode);
            Directory.CreateDirectory(own, FolderMode);
        }

        held = new FileStream(Path.Combine(own, LockName), OwnerOnly(FileMode.OpenOrCreate));
    }

    /// <summary>The lock of a process ends with it, whichever way that ends; while it lives its messages are its own.</summary>
    private void TakeOver(string other)
    {
        FileStream theirs;
        try
        {
            theirs = new FileStream(Path.Combine(other, LockName), OwnerOnly(FileMode.OpenOrCreate));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Alive, or somebody else is taking it over.
            return;
        }

        using (theirs)
        {
            foreach (var file in Directory.GetFiles(other, Pattern).Order(StringComparer.Ordinal))
            {
                File.Move(file, NextPath());
            }
        }

        Directory.Delete(other, recursive: true);
    }

    private string NextPath() => Path.Combine(own, string.Create(CultureInfo.InvariantCulture, $"{saved++:D10}.json"));

    private static async Task<SendRequest?> ReadAsync(string path, CancellationToken cancel)
    {
        var file = File.OpenRead(path);
        await using (file.ConfigureAwait(false))
        {
            try
            {
                return await JsonSerializer.DeserializeAsync(file, ProtocolJson.Wire.SendRequest, cancel).ConfigureAwait(false);
            }
            catch (JsonException e)
            {
                throw new IOException($"The unsent message in {path} is damaged; remove the file to go on without it.", e);
            }
        }
    }

    private static FileStreamOptions OwnerOnly(FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.ReadWrite, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = FileMode0600;
        }

        return options;
    }
}
