using DChat.Client;
using DChat.TestKit;

namespace DChat.Cluster.Tests.S3;

/// <summary>A server whose blobs are in a bucket of Swift, and somebody who uses it.</summary>
internal static class ServerOnS3
{
    public const string Bucket = "chat-blobs";
    public const string Password = "a long and good password";

    public static async Task<SwiftServer> StartSwiftAsync()
    {
        var swift = await SwiftServer.StartAsync();
        await swift.CreateBucketAsync(Bucket);
        return swift;
    }

    /// <param name="parameters">Of the bucket's URL, such as <c>&amp;downloads=server</c>.</param>
    public static async Task<ServerProcess> StartAsync(SwiftServer swift, string parameters, params string[] flags)
    {
        var server = await ServerProcess.StartAsync(["--blobs", swift.Url(Bucket, parameters), "--log-level", "debug", .. flags], environment: SwiftServer.Environment);
        server.Log.Forbid(SwiftServer.Secret);
        server.Log.Forbid("X-Amz-Signature");
        return server;
    }

    public static async Task<ChatClient> RegisterAsync(ServerProcess server, string user)
    {
        var client = new ChatClient(new ChatClientOptions { Servers = [server.Client] });
        await client.Account.RegisterAsync(user, Password).Within();
        await client.ConnectAsync().Within();
        return client;
    }

    public static byte[] Noise(int length)
    {
        var content = new byte[length];
        new Random(length).NextBytes(content);
        return content;
    }
}
