using System.Buffers;
using System.CommandLine;
using System.Text.Json;
using DChat.Protocol;
using DChat.Storage;

namespace DChat.Server.Cli.Administration;

/// <summary>
/// <c>room export</c>: to standard output, or to a file that appears under its name only when it is whole. An export ends with a line that
/// counts its messages; one without it, or with another count, is a part.
/// </summary>
internal static class RoomExportVerb
{
    private static readonly Option<string> Output = new("--output") { Description = "a file to write; it is there when the export is whole, and not before", HelpName = "FILE" };

    public static Command Make()
    {
        var verb = AdminVerbs.RoomVerb(
            "export",
            "write a room's messages, one JSON object a line, to standard output or --output; the last line counts them: without it the export is not whole. Leaves a line in the audit trail",
            RunAsync);
        verb.Options.Add(Output);
        return verb;
    }

    private static async Task RunAsync(AdminCall call, string room)
    {
        var path = $"api/admin/rooms/{room}/export";
        if (call.Parsed.GetValue(Output) is not { } file)
        {
            await using var standard = Console.OpenStandardOutput();
            await CopyAsync(call, path, standard);
            return;
        }

        var part = $"{file}.{Guid.NewGuid():N}.part"; // Its own: another export may be writing the same file.
        var output = Create(file, part);
        try
        {
            await using (output)
            {
                await CopyAsync(call, path, output);
                output.Flush(flushToDisk: true);
            }

            File.Move(part, file, overwrite: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            File.Delete(part);
            throw new AdminException($"the export could not be kept as {file}: {failure.Message}", failure);
        }
        catch
        {
            File.Delete(part);
            throw;
        }
    }

    private static FileStream Create(string file, string part)
    {
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 0 };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite; // What was said in private.
            }

            return new FileStream(part, options);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"{Output.Name} {file}", failure.Message, "give a file that this user may write");
        }
    }

    private static async Task CopyAsync(AdminCall call, string path, Stream output)
    {
        var counted = new LineCounter(output);
        try
        {
            await call.Client.CopyAsync(path, counted, call.Cancellation);
        }
        catch (Exception failure) when (failure is IOException or HttpRequestException)
        {
            throw new AdminException($"the export is not whole: it broke off after {counted.Lines} messages: {failure.Message}. Export the room again.", failure);
        }
        catch (OperationCanceledException) when (call.Cancellation.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync($"dchat-server: the export is not whole: it was interrupted after {counted.Lines} messages");
            throw;
        }

        if (counted.ReadEnd() is not { Kind: "export" } end || end.Messages != counted.Lines - 1)
        {
            throw new AdminException($"the export is not whole: {counted.Lines} lines came, and not the one that ends it. Export the room again.");
        }
    }

    /// <summary>Passes on what is written, counts its lines and keeps the last one.</summary>
    private sealed class LineCounter(Stream output) : ForwardStream
    {
        /// <summary>The line that ends an export is shorter.</summary>
        private const int EndMax = 256;

        private readonly ArrayBufferWriter<byte> _last = new();
        private bool _isAtEnd;

        public long Lines { get; private set; }

        public ExportEnd? ReadEnd()
        {
            try
            {
                return _isAtEnd && _last.WrittenCount <= EndMax ? JsonSerializer.Deserialize(_last.WrittenSpan, ProtocolJson.Wire.ExportEnd) : null;
            }
            catch (JsonException)
            {
                return null;
            }
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await output.WriteAsync(buffer, cancellationToken);
            Count(buffer.Span);
        }

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override void Write(byte[] buffer, int offset, int count)
        {
            output.Write(buffer, offset, count);
            Count(buffer.AsSpan(offset, count));
        }

        public override void Flush() => output.Flush();

        private void Count(ReadOnlySpan<byte> bytes)
        {
            while (bytes.Length > 0)
            {
                if (_isAtEnd)
                {
                    _last.ResetWrittenCount();
                }

                var newline = bytes.IndexOf((byte)'\n');
                var line = newline < 0 ? bytes : bytes[..newline];
                _isAtEnd = newline >= 0;
                _last.Write(line[..Math.Min(line.Length, EndMax + 1 - Math.Min(EndMax + 1, _last.WrittenCount))]);
                Lines += _isAtEnd ? 1 : 0;
                bytes = bytes[(newline < 0 ? bytes.Length : newline + 1)..];
            }
        }
    }
}
