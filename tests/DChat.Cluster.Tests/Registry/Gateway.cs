using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Server.Nodes;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace DChat.Cluster.Tests.Registry;

/// <summary>
/// A gateway of the cluster in the test's process: a real worker without rooms, whose commands, with their ids, outcomes and indexes, and whose
/// replica the test sees.
/// </summary>
internal sealed class Gateway : IAsyncDisposable
{
    private readonly InProcessServer _server;

    private Gateway(InProcessServer server) => _server = server;

    public IRegistryCommands Commands => _server.Services.GetRequiredService<IRegistryCommands>();

    public RegistryReplica Replica => _server.Services.GetRequiredService<RegistryReplica>();

    /// <summary>Its node address.</summary>
    public string Address => _server.Node.Authority;

    public static async Task<Gateway> StartAsync(ClusterUnderTest cluster)
    {
        var address = cluster.Network?.Address ?? "127.0.0.1";
        var server = await InProcessServer.StartAsync(options => options with
        {
            Mode = ServerMode.Worker,
            Host = address,
            NodeHost = address,
            NodePort = FreePort.Next(),
            Coordinators = cluster.Coordinators,
            ClusterSecretFile = cluster.SecretFile,
            LogLevel = LogLevel.Information,
        });
        server.Log.ExpectErrors(".*"); // What goes away is an error there; what counts is what the checkers find.
        return new Gateway(server);
    }

    /// <inheritdoc cref="NodeHash.AskAsync"/>
    public Task<(long Index, string Hash)?> AskAsync(string node) => NodeHash.AskAsync(_server.Services.GetRequiredService<NodeDialer>(), node);

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}
