using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace DChat.TestKit;

/// <summary>A port at which nobody is answered who shows no certificate of the right authority.</summary>
public static class ClosedDoor
{
    /// <param name="other">An authority that is not the right one.</param>
    public static async Task AssertAsync(IPAddress address, int port, CertificateAuthority other)
    {
        var plain = await AskPlainAsync(address, port);
        Assert.True(plain.Length == 0 || plain.StartsWith("HTTP/1.0 400 Bad Request", StringComparison.Ordinal), $"without TLS it answered: {plain}");
        Assert.Equal("", await AskTlsAsync(address, port));
        var (certificate, key) = other.Issue();
        using var shown = X509Certificate2.CreateFromPemFile(certificate, key);
        Assert.Equal("", await AskAsync(address, port, stream => SecureAsync(stream, shown)));
    }

    /// <summary>With the right certificate it does answer: else the rest would show nothing.</summary>
    public static async Task AssertOpensAsync(IPAddress address, int port, string certificate, string key)
    {
        using var shown = X509Certificate2.CreateFromPemFile(certificate, key);
        Assert.StartsWith("HTTP/1.1 200", await AskAsync(address, port, stream => SecureAsync(stream, shown)), StringComparison.Ordinal);
    }

    /// <returns>What is answered to who speaks no TLS; empty where the other side ends the connection.</returns>
    public static Task<string> AskPlainAsync(IPAddress address, int port, string path = "/version") => AskAsync(address, port, Task.FromResult, path);

    /// <returns>What is answered to who shows no certificate; empty where the other side ends the connection.</returns>
    public static Task<string> AskTlsAsync(IPAddress address, int port, string path = "/version") => AskAsync(address, port, stream => SecureAsync(stream, null), path);

    public static async Task AssertNobodyListensAsync(IPAddress address, int port)
    {
        using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        var refused = await Assert.ThrowsAsync<SocketException>(() => socket.ConnectAsync(address, port).Within());
        Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);
    }

    /// <returns>What is answered; empty where the other side ends the connection.</returns>
    private static async Task<string> AskAsync(IPAddress address, int port, Func<Stream, Task<Stream>> secure, string path = "/version")
    {
        using var client = new TcpClient(address.AddressFamily);
        await client.ConnectAsync(address, port).Within();
        try
        {
            await using var stream = await secure(client.GetStream()).Within();
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
            using var reader = new StreamReader(stream, Encoding.ASCII);
            return await reader.ReadToEndAsync().Within();
        }
        catch (Exception ended) when (ended is IOException or AuthenticationException)
        {
            return "";
        }
    }

    private static async Task<Stream> SecureAsync(Stream stream, X509Certificate2? certificate)
    {
        var secured = new SslStream(stream, false, (_, shown, _, _) => shown is not null); // Who answers does not matter here, only whether.
        await secured.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            ClientCertificates = certificate is null ? [] : [certificate],
        });
        return secured;
    }
}
