using System.Text.Json;

namespace DChat.Client.Sessions;

/// <summary>
/// Keeps the session in a file that only its owner can read (mode 0600). Several processes may share it: one at a time
/// changes it, under a lock on <c>FILE.lock</c>, and readers see the old or the new one, never half of it.
/// </summary>
/// <param name="path">The file; its folder is made, with mode 0700, where it is missing.</param>
public sealed class FileSessionStore(string path, TimeProvider? time = null) : ISessionStore
{
    /// <summary>How long another process may hold the lock: longer than a refresh may take.</summary>
    private static readonly TimeSpan LockTimeout = TimeSpan.FromSeconds(45);

    private static readonly TimeSpan LockPoll = TimeSpan.FromMilliseconds(25);

    private readonly TimeProvider time = time ?? TimeProvider.System;

    /// <inheritdoc/>
    public async Task<Session?> LoadAsync(CancellationToken cancel)
    {
        try
        {
            var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            await using (file.ConfigureAwait(false))
            {
                return await JsonSerializer.DeserializeAsync(file, SessionJson.Default.Session, cancel).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (JsonException e)
        {
            throw new IOException($"The session file {path} is damaged; remove it and sign in again.", e);
        }
    }

    /// <inheritdoc/>
    /// <exception cref="TimeoutException">Another process held the lock for 45 s.</exception>
    public async Task<Session?> UpdateAsync(Func<Session?, CancellationToken, Task<Session?>> change, CancellationToken cancel)
    {
        CreateFolder();
        var held = await LockAsync(cancel).ConfigureAwait(false);
        await using (held.ConfigureAwait(false))
        {
            var before = await LoadAsync(cancel).ConfigureAwait(false);
            var after = await change(before, cancel).ConfigureAwait(false);
            if (after is null)
            {
                File.Delete(path);
            }
            else if (after != before)
            {
                await SaveAsync(after).ConfigureAwait(false);
            }

            return after;
        }
    }

    private void CreateFolder()
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        if (Directory.Exists(folder))
        {
            return;
        }

        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
        }
        else
        {
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    /// <summary>The lock ends with its process, whichever way that ends. The file stays: removing it would let two hold it.</summary>
    private async Task<FileStream> LockAsync(CancellationToken cancel)
    {
        var started = time.GetTimestamp();
        while (true)
        {
            try
            {
                return new FileStream(path + ".lock", OwnerOnly(FileMode.OpenOrCreate));
            }
            catch (IOException e) when (e is not (FileNotFoundException or DirectoryNotFoundException))
            {
                if (time.GetElapsedTime(started) > LockTimeout)
                {
                    throw new TimeoutException($"Another process holds {path}.lock for too long.", e);
                }

                await Task.Delay(LockPoll, time, cancel).ConfigureAwait(false);
            }
        }
    }

    private async Task SaveAsync(Session session)
    {
        // Not cancelled: once the server gave new tokens they must be kept.
        var temporary = path + ".new";
        File.Delete(temporary);
        var file = new FileStream(temporary, OwnerOnly(FileMode.CreateNew));
        await using (file.ConfigureAwait(false))
        {
            await JsonSerializer.SerializeAsync(file, session, SessionJson.Default.Session, CancellationToken.None).ConfigureAwait(false);
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
    }

    private static FileStreamOptions OwnerOnly(FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.ReadWrite, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return options;
    }
}
