using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using DChat.TestKit;

namespace DChat.Server.Tests.Cli;

/// <summary>Lets everybody in and begins an export that it does not end as it should.</summary>
internal sealed class HalfServer : IDisposable
{
    public const string Line = """{"seq":1,"kind":"text"}""";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _over = new();
    private readonly SemaphoreSlim _begun = new(0);
    private readonly string _how;
    private readonly Task _serving;

    /// <param name="how">The connection is <c>broken</c> off, the answer is <c>short</c> of its end, or it waits to be <c>interrupted</c>.</param>
    public HalfServer(string how)
    {
        _how = how;
        _listener.Start();
        _serving = ServeAsync();
    }

    public string Url => $"http://{_listener.LocalEndpoint}";

    /// <summary>Ctrl-C, when the export has begun.</summary>
    public async Task InterruptAsync(int process)
    {
        Assert.True(await _begun.WaitAsync(Eventually.DefaultLimit));
        using var kill = Process.Start("kill", ["-INT", process.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync().Within();
    }

    public void Dispose()
    {
        _over.Cancel();
        _listener.Dispose();
        _serving.ContinueWith(_ => { }, TaskScheduler.Default).Wait(Eventually.DefaultLimit);
        _over.Dispose();
        _begun.Dispose();
    }

    private async Task ServeAsync()
    {
        while (!_over.IsCancellationRequested)
        {
            using var client = await _listener.AcceptTcpClientAsync(_over.Token);
            await using var stream = client.GetStream();
            while (await ReadRequestAsync(stream) is { } request && await AnswerAsync(stream, request))
            {
                // The next one on the same connection.
            }
        }
    }

    /// <returns>Whether the connection goes on.</returns>
    private async Task<bool> AnswerAsync(NetworkStream stream, string request)
    {
        if (request.StartsWith("POST", StringComparison.Ordinal))
        {
            const string Tokens = """{"user":"admin","accessToken":"a","refreshToken":"r","expiresIn":300}""";
            await WriteAsync(stream, $"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {Tokens.Length}\r\n\r\n{Tokens}");
            return true;
        }

        await WriteAsync(stream, $"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{Line.Length + 1:x}\r\n{Line}\n\r\n");
        if (_how == "short")
        {
            await WriteAsync(stream, "0\r\n\r\n");
            return true;
        }

        _begun.Release();
        if (_how == "interrupted")
        {
            await ReadRequestAsync(stream); // Until it hangs up.
        }

        return false;
    }

    private Task WriteAsync(NetworkStream stream, string text) => stream.WriteAsync(Encoding.ASCII.GetBytes(text), _over.Token).AsTask();

    /// <summary>Headers and body; null at the end.</summary>
    private async Task<string?> ReadRequestAsync(NetworkStream stream)
    {
        var text = new StringBuilder();
        var bytes = new byte[4096];
        while (true)
        {
            var read = await stream.ReadAsync(bytes, _over.Token);
            if (read == 0)
            {
                return null;
            }

            text.Append(Encoding.ASCII.GetString(bytes, 0, read));
            var all = text.ToString();
            var end = all.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            var length = all.Split("\r\n").FirstOrDefault(line => line.StartsWith("Content-Length: ", StringComparison.OrdinalIgnoreCase))?[16..];
            if (end >= 0 && all.Length >= end + 4 + int.Parse(length ?? "0", CultureInfo.InvariantCulture) && (length is not null || !all.Contains("chunked", StringComparison.Ordinal) || all.EndsWith("0\r\n\r\n", StringComparison.Ordinal)))
            {
                return all;
            }
        }
    }
}
