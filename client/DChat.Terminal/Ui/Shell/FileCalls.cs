using System.Globalization;
using System.Text;
using DChat.Client;
using DChat.Terminal.Files;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>The effects on files: up, down, and their names here.</summary>
internal sealed class FileCalls(UiSettings settings, Action<UiEvent> tell)
{
    /// <summary>Names that completion looks through.</summary>
    private const int PathsMax = 200;

    /// <summary>Tries at a free name for a file.</summary>
    private const int NamesMax = 1_000;

    public async Task UploadAsync(Account account, Effect.Upload upload, CancellationToken cancel)
    {
        var path = Expand(upload.Path);
        await using var content = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        await SendAsync(account, upload.Room, Path.GetFileName(path), content, upload.Caption, cancel);
    }

    public async Task UploadTextAsync(Account account, Effect.UploadText upload, CancellationToken cancel)
    {
        await using var content = new MemoryStream(Encoding.UTF8.GetBytes(upload.Text));
        await SendAsync(account, upload.Room, upload.Name, content, "", cancel);
    }

    /// <summary>Into the folder for downloads, under a name that is free there; never over a file that exists.</summary>
    public async Task DownloadAsync(Account account, Effect.Download download, CancellationToken cancel)
    {
        var id = Guid.NewGuid().ToString("N");
        var name = FileVerbs.LocalName(download.Name, download.FileId);
        try
        {
            using var file = await account.Client.Files.OpenAsync(download.FileId, cancel);
            var (path, local) = Create(settings.DownloadFolder(), name);
            await using (local)
            {
                var progress = new Meter(tell, new Transfer(id, SafeText.Clean(name), false, 0, file.Size));
                var buffer = new byte[64 * 1024];
                int read;
                while ((read = await file.Content.ReadAsync(buffer, cancel)) > 0)
                {
                    await local.WriteAsync(buffer.AsMemory(0, read), cancel);
                    progress.Report(local.Length);
                }
            }

            tell(new UiEvent.TransferEnded(id, $"Saved {path}", false));
        }
        catch (Exception e) when (e is ChatException or IOException or UnauthorizedAccessException)
        {
            tell(new UiEvent.TransferEnded(id, $"{SafeText.Clean(name)} was not saved: {Problems.Of(e)}", true));
        }
    }

    public void ListPaths(string prefix)
    {
        var typed = Expand(prefix);
        try
        {
            var folder = Path.GetDirectoryName(typed) is { Length: > 0 } given ? given : typed.StartsWith(Path.DirectorySeparatorChar) ? Path.GetPathRoot(typed)! : ".";
            var name = Path.GetFileName(typed);
            var shown = prefix[..(prefix.Length - name.Length)];
            var found = new DirectoryInfo(folder).EnumerateFileSystemInfos(name + "*")
                .Where(info => name.Length > 0 || !info.Name.StartsWith('.'))
                .Take(PathsMax)
                .Select(info => shown + info.Name + (info is DirectoryInfo ? Path.DirectorySeparatorChar : ""))
                .Order(StringComparer.Ordinal);
            tell(new UiEvent.PathsListed(prefix, [.. found]));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            tell(new UiEvent.PathsListed(prefix, []));
        }
    }

    private async Task SendAsync(Account account, string room, string name, Stream content, string caption, CancellationToken cancel)
    {
        var id = Guid.NewGuid().ToString("N");
        var shown = SafeText.Clean(name);
        try
        {
            var meter = new Meter(tell, new Transfer(id, shown, true, 0, content.Length));
            meter.Report(0);
            var file = await account.Client.Files.UploadAsync(room, name, content, null, meter, cancel);
            account.Feed.Watch(account.Client.Post(room, caption, files: [file.Id]));
            tell(new UiEvent.TransferEnded(id, $"Sent {shown}", false));
        }
        catch (Exception e) when (e is ChatException or IOException)
        {
            tell(new UiEvent.TransferEnded(id, $"{shown} was not sent: {Problems.Of(e)}", true));
        }
    }

    private static (string Path, FileStream File) Create(string folder, string name)
    {
        Directory.CreateDirectory(folder);
        for (var i = 1; ; i++)
        {
            var unique = i == 1 ? name : string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileNameWithoutExtension(name)} ({i}){Path.GetExtension(name)}");
            var path = Path.Combine(folder, unique);
            try
            {
                return (path, new FileStream(path, FileMode.CreateNew, FileAccess.Write));
            }
            catch (IOException) when (File.Exists(path) && i < NamesMax)
            {
                continue;
            }
        }
    }

    private static string Expand(string path)
    {
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return path == "~" || path.StartsWith("~/", StringComparison.Ordinal) ? home + path[1..] : path;
    }

    /// <summary>Tells of progress, a hundred times at most.</summary>
    private sealed class Meter(Action<UiEvent> tell, Transfer transfer) : IProgress<long>
    {
        private const int Steps = 100;

        private const long UnknownStep = 1024 * 1024;
        private long told = -1;

        public void Report(long value)
        {
            var step = transfer.Total is > 0 and var total ? value * Steps / total : value / UnknownStep;
            if (step != told)
            {
                told = step;
                tell(new UiEvent.TransferChanged(transfer with { Done = value }));
            }
        }
    }
}
