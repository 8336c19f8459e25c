using System.CommandLine;
using DChat.Client.Files;
using DChat.Terminal.Invocation;
using DChat.Terminal.Output;
using DChat.Terminal.Rooms;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Files;

/// <summary><c>upload</c>, <c>download</c>.</summary>
internal static class FileVerbs
{
    private const int NameMax = 120;

    private static readonly Argument<string> Path = new("file") { Description = "The file to upload." };
    private static readonly Option<string?> Caption = new("--caption") { Description = "A text beside it.", HelpName = "TEXT" };
    private static readonly Argument<string> Id = new("id") { Description = "The file's id, as shown under its message." };
    private static readonly Option<string?> To = new("--output", "-o") { Description = "Where to write it; - for standard output. Default: its own name, here; an existing file is never overwritten.", HelpName = "PATH" };

    public static IEnumerable<Command> All()
    {
        yield return Verb.Create("upload", "Upload a file to a room and show it there.", "dchat upload garden plan.pdf --caption \"The new beds\"", [RoomVerbs.Room, Path, Caption], UploadAsync);
        yield return Verb.Create("download", "Download a file.", "dchat download FILEID\ndchat download FILEID -o - | less", [Id, To], DownloadAsync);
    }

    /// <summary>A name that somebody else chose, as one for this folder: no path, no option, nothing hidden, nothing that a terminal acts on.</summary>
    public static string LocalName(string? name, string id)
    {
        var last = SafeText.Clean(name).Split('/', '\\')[^1];
        var kept = string.Concat(last.Where(c => !char.IsControl(c) && c is not (':' or '*' or '?' or '"' or '<' or '>' or '|'))).Trim(' ', '.').TrimStart('-');
        var safe = kept.Length == 0 ? "file-" + string.Concat(id.Where(char.IsAsciiLetterOrDigit)) : kept;
        return safe.Length <= NameMax ? safe : safe[^NameMax..].TrimStart('-', '.', ' ');
    }

    private static async Task UploadAsync(VerbContext context, CancellationToken cancel)
    {
        var path = context.Parsed.GetRequiredValue(Path);
        await using var content = OpenLocal(path);
        await using var client = await context.ConnectAsync(cancel);
        var room = await RoomNames.ResolveAsync(client, context.Parsed.GetRequiredValue(RoomVerbs.Room), cancel);
        var file = await client.Files.UploadAsync(room, System.IO.Path.GetFileName(path), content, progress: Progress(context, content.Length), cancel: cancel);
        var sent = await client.SendAsync(room, context.Parsed.GetValue(Caption) ?? "", files: [file.Id], cancel: cancel);
        context.Print.Result(new { file, sent.Seq, sent.Rev }, () => $"Uploaded {SafeText.Clean(file.Name)} ({MessageText.Size(file.Size)}): {SafeText.Clean(file.Id)}");
    }

    private static FileStream OpenLocal(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{path} cannot be read: {e.Message}", e);
        }
    }

    private static Progress<long>? Progress(VerbContext context, long? size) =>
        Console.IsErrorRedirected || context.Print.Json
            ? null
            : new Progress<long>(done => Console.Error.Write($"\r{MessageText.Size(done)}{(size is { } all ? $" of {MessageText.Size(all)}" : "")}   "));

    private static async Task DownloadAsync(VerbContext context, CancellationToken cancel)
    {
        var id = context.Parsed.GetRequiredValue(Id);
        var to = context.Parsed.GetValue(To);
        if (to is not (null or "-"))
        {
            RefuseExisting(to);
        }

        await using var client = context.Client();
        using var file = await client.Files.OpenAsync(id, cancel);
        if (to == "-")
        {
            await using var output = Console.OpenStandardOutput();
            await file.Content.CopyToAsync(output, cancel);
            return;
        }

        var path = to ?? LocalName(file.Name, id);
        var size = await SaveAsync(file, path, cancel);
        context.Print.Result(new { path, size, type = file.Type }, () => $"Saved {path} ({MessageText.Size(size)})");
    }

    private static async Task<long> SaveAsync(FileDownload file, string path, CancellationToken cancel)
    {
        RefuseExisting(path);
        var partial = $"{path}.{Guid.NewGuid().ToString("N")[..8]}.part";
        try
        {
            long size;
            await using (var local = new FileStream(partial, FileMode.CreateNew, FileAccess.Write))
            {
                await file.Content.CopyToAsync(local, cancel);
                size = local.Length;
            }

            RefuseExisting(path);
            File.Move(partial, path, overwrite: false);
            return size;
        }
        finally
        {
            File.Delete(partial); // Moved away, unless it failed: nobody takes a part for the whole.
        }
    }

    private static void RefuseExisting(string path)
    {
        if (File.Exists(path))
        {
            throw new UsageException($"{path} exists already; choose another with --output.");
        }
    }
}
