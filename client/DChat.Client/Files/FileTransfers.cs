using System.Globalization;
using System.Net.Http.Headers;
using DChat.Client.Accounts;
using DChat.Client.Sessions;
using DChat.Protocol;
using FileInfo = DChat.Protocol.FileInfo;

namespace DChat.Client.Files;

/// <summary>Uploads to rooms and downloads from them.</summary>
public sealed class FileTransfers
{
    private readonly ChatHttp http;
    private readonly TokenKeeper tokens;

    internal FileTransfers(ChatHttp http, TokenKeeper tokens) => (this.http, this.tokens) = (http, tokens);

    /// <summary>Uploads a file to a room. To show it there, send a message that names its id. It is given up when it stands still for 30 s.</summary>
    /// <param name="name">How the file is called there.</param>
    /// <param name="content">Is read from where it stands to its end.</param>
    /// <param name="type">Its media type; the server decides where it is null.</param>
    /// <param name="progress">Told of the bytes sent so far.</param>
    /// <exception cref="ChatException"><c>too_large</c>, <c>not_member</c>, <c>invalid_argument</c>, <c>unreachable</c>, …</exception>
    public async Task<FileInfo> UploadAsync(string room, string name, Stream content, string? type = null, IProgress<long>? progress = null, CancellationToken cancel = default)
    {
        await RefuseTooLargeAsync(content, cancel).ConfigureAwait(false);
        // A body cannot be sent twice, so make sure beforehand that the token will do.
        var token = await tokens.GetAsync(cancel).ConfigureAwait(false);
        using var limit = new CancellationTokenSource(TransferStream.Patience, http.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancel);
        using var part = new ProgressContent(content, new Progress(progress, () => limit.CancelAfter(TransferStream.Patience)));
        part.Headers.ContentType = type is null ? null : MediaTypeHeaderValue.Parse(type);
        using var form = new MultipartFormDataContent();
        part.Headers.ContentDisposition = new ContentDispositionHeaderValue("form-data") { Name = "file", FileName = $"\"{Plain(name)}\"", FileNameStar = name };
        form.Add(part);
        try
        {
            using var response = await http.SendAsync(HttpMethod.Post, $"api/rooms/{Uri.EscapeDataString(room)}/files", form, token, either.Token).ConfigureAwait(false);
            return await ChatHttp.ReadAsync(response, ProtocolJson.Wire.FileInfo, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!cancel.IsCancellationRequested)
        {
            throw TransferStream.Stalled(e, TransferStream.Patience);
        }
    }

    /// <summary>Opens a file; dispose of what is returned.</summary>
    /// <exception cref="ChatException"><c>not_found</c>, <c>not_member</c>.</exception>
    public async Task<FileDownload> OpenAsync(string id, CancellationToken cancel = default)
    {
        var path = "api/files/" + Uri.EscapeDataString(id);
        var response = await tokens.WithTokenAsync(token => http.SendAsync(HttpMethod.Get, path, null, token, cancel), cancel).ConfigureAwait(false);
        var content = await response.Content.ReadAsStreamAsync(cancel).ConfigureAwait(false);
        return new FileDownload(response, new TransferStream(content, TransferStream.Patience, http.Time));
    }

    /// <summary>Writes a file into a stream.</summary>
    /// <param name="progress">Told of the bytes received so far.</param>
    /// <exception cref="ChatException">As of <see cref="OpenAsync"/>, and <c>unreachable</c> when it breaks off, or stands still for 30 s.</exception>
    public async Task<FileDownload> DownloadAsync(string id, Stream to, IProgress<long>? progress = null, CancellationToken cancel = default)
    {
        using var file = await OpenAsync(id, cancel).ConfigureAwait(false);
        await ProgressContent.CopyAsync(file.Content, to, progress, cancel).ConfigureAwait(false);
        return file;
    }

    /// <summary>For readers that do not know the encoded form of a name, in which all else of it is.</summary>
    private static string Plain(string name) => string.Concat(name.Select(letter => letter is >= ' ' and <= '~' and not ('"' or '\\') ? letter : '_'));

    /// <summary>A server that refuses in the middle of a body closes the connection, which cannot be told from losing it.</summary>
    private async Task RefuseTooLargeAsync(Stream content, CancellationToken cancel)
    {
        if (!content.CanSeek)
        {
            return;
        }

        var info = await http.CallAsync(HttpMethod.Get, "api/info", null, null, ProtocolJson.Wire.InfoAnswer, cancel).ConfigureAwait(false);
        if (info.Limits.FileBytes is > 0 and var most && content.Length - content.Position > most)
        {
            const double Mebi = 1024 * 1024;
            var limit = most < Mebi ? string.Create(CultureInfo.InvariantCulture, $"{most:N0} bytes") : string.Create(CultureInfo.InvariantCulture, $"{most / Mebi:0.##} MiB");
            throw new ChatException(ErrorCodes.TooLarge, $"The file is too large: this server takes {limit} at most.");
        }
    }

    /// <summary>Tells whoever shows it, and whoever watches that it goes on.</summary>
    private sealed class Progress(IProgress<long>? shown, Action moved) : IProgress<long>
    {
        public void Report(long value)
        {
            moved();
            shown?.Report(value);
        }
    }
}

/// <summary>A file that is being downloaded.</summary>
public sealed class FileDownload : IDisposable
{
    private readonly HttpResponseMessage response;

    internal FileDownload(HttpResponseMessage response, Stream content)
    {
        this.response = response;
        Content = content;
        var headers = response.Content.Headers;
        Name = headers.ContentDisposition?.FileNameStar ?? headers.ContentDisposition?.FileName?.Trim('"');
        Type = headers.ContentType?.MediaType;
        Size = headers.ContentLength;
    }

    /// <summary>The bytes. Reading throws <see cref="ChatException"/>, <c>unreachable</c>, when they break off or none comes for 30 s.</summary>
    public Stream Content { get; }

    /// <summary>How the one who uploaded it called it. Chosen by somebody else: never use it as a path.</summary>
    public string? Name { get; }

    /// <summary>The media type.</summary>
    public string? Type { get; }

    /// <summary>Bytes, where the server says it.</summary>
    public long? Size { get; }

    /// <inheritdoc/>
    public void Dispose() => response.Dispose();
}

/// <summary>A stream as a request's body, with progress.</summary>
internal sealed class ProgressContent(Stream content, IProgress<long>? progress) : HttpContent
{
    private const int BufferBytes = 64 * 1024;

    public static async Task CopyAsync(Stream from, Stream to, IProgress<long>? progress, CancellationToken cancel)
    {
        var buffer = new byte[BufferBytes];
        var done = 0L;
        int read;
        while ((read = await from.ReadAsync(buffer, cancel).ConfigureAwait(false)) > 0)
        {
            await to.WriteAsync(buffer.AsMemory(0, read), cancel).ConfigureAwait(false);
            progress?.Report(done += read);
        }
    }

    protected override Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context) =>
        CopyAsync(content, stream, progress, CancellationToken.None);

    protected override Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context, CancellationToken cancellationToken) =>
        CopyAsync(content, stream, progress, cancellationToken);

    protected override bool TryComputeLength(out long length)
    {
        length = content.CanSeek ? content.Length - content.Position : 0;
        return content.CanSeek;
    }
}
