using DChat.Core.Messages;
using DChat.Server;
using DChat.Server.Cli;
using DChat.Server.Http;
using DChat.Storage.Sqlite;
using DChat.Storage.Sqlite.Messages;
using DChat.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DChat.Cluster.Tests.Durability;

/// <summary>
/// The program of this project: the server with a message store whose commits do not wait for the disk. The product cannot be
/// told to do that; a test needs it, to see that it would be noticed.
/// </summary>
internal static class NormalHost
{
    public static string Path { get; } = ServerBinary.Built("tests/DChat.Cluster.Tests", "DChat.Cluster.Tests");

    public static Task<int> Main(string[] args) => CommandLine.RunAsync(args, ServeAsync);

    private static async Task<int> ServeAsync(ServerOptions options)
    {
        Directory.CreateDirectory(options.Data);
        await using var app = ServerApp.Build(options, builder => builder.Services.AddSingleton<IMessageStore>(provider => SqliteMessageStore.Open(
            new SqliteMessageStoreOptions { Path = options.StorePath, Synchronous = SqliteSynchronous.Normal },
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<SqliteMessageStore>>())));
        await app.StartAsync();
        Console.WriteLine($"listening {Listeners.ClientUrl(app)} node {Listeners.NodeUrl(app)}");
        await app.WaitForShutdownAsync();
        return CommandLine.Success;
    }
}
