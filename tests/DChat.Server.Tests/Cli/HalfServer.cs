using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using DChat.TestKit;

namespace DChat.Server.Tests.Cli;

/// <summary>
/// Lets everybody in and begins an export that it does not end as it should. It has threads of its own: whoever asks gives up after a while,
/// and the pool's threads may be busy with other tests for longer.
/// </summary>
internal sealed class HalfServer : IDisposable
{
    public const string Line = """{"seq":1,"kind":"text"}""";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly SemaphoreSlim _begun = new(0);
    private readonly string _how;
    private readonly Task _serving;
    private volatile TcpClient? _client;
    private volatile bool _isOver;

    /// <param name="how">The connection is <c>broken</c> off, the answer is <c>short</c> of its end, or it waits to be <c>interrupted</c>.</param>
    public HalfServer(string how)
    {
        _how = how;
        _listener.Start();
        _serving = Task.Factory.StartNew(Serve, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    public string Url => $"http://{_listener.LocalEndpoint}";

    /// <summary>Ctrl-C, when the export has begun.</summary>
    public Task InterruptAsync(int process) => Task.Factory.StartNew(
        () =>
        {
            Assert.True(_begun.Wait(Eventually.DefaultLimit));
            ServerProcess.Interrupt(process);
        },
        CancellationToken.None,
        TaskCreationOptions.LongRunning,
        TaskScheduler.Default);

    public void Dispose()
    {
        _isOver = true;
        _listener.Dispose();
        _client?.Dispose();
        Assert.True(_serving.Wait(Eventually.DefaultLimit));
        _begun.Dispose();
    }

    private void Serve()
    {
        while (!_isOver)
        {
            try
            {
                using var client = _client = _listener.AcceptTcpClient();
                using var stream = client.GetStream();
                while (ReadRequest(stream) is { } request && Answer(stream, request))
                {
                    // The next one on the same connection.
                }
            }
            catch (Exception ended) when (ended is IOException or SocketException or ObjectDisposedException or InvalidOperationException)
            {
                // Whoever was interrupted may leave without having read all.
            }
        }
    }

    /// <returns>Whether the connection goes on.</returns>
    private bool Answer(NetworkStream stream, string request)
    {
        if (request.StartsWith("POST", StringComparison.Ordinal))
        {
            const string Tokens = """{"user":"admin","accessToken":"a","refreshToken":"r","expiresIn":300}""";
            Write(stream, $"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {Tokens.Length}\r\n\r\n{Tokens}");
            return true;
        }

        Write(stream, $"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{Line.Length + 1:x}\r\n{Line}\n\r\n");
        if (_how == "short")
        {
            Write(stream, "0\r\n\r\n");
            return true;
        }

        _begun.Release();
        if (_how == "interrupted")
        {
            ReadRequest(stream); // Until it hangs up.
        }

        return false;
    }

    private static void Write(NetworkStream stream, string text) => stream.Write(Encoding.ASCII.GetBytes(text));

    /// <summary>Headers and body; null at the end.</summary>
    private static string? ReadRequest(NetworkStream stream)
    {
        var text = new StringBuilder();
        var bytes = new byte[4096];
        while (true)
        {
            var read = stream.Read(bytes);
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
