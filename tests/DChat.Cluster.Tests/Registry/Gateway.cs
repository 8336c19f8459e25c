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
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(3);

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

    /// <summary>Asks a node which registry it holds; null: it cannot tell now.</summary>
    public async Task<(long Index, string Hash)?> AskAsync(string node)
    {
        try
        {
            await using var link = await _server.Services.GetRequiredService<NodeDialer>()
                .ConnectAsync(node, NodeServices.Replica, null, _ => new NothingComes(), CancellationToken.None);
            var answer = new PayloadReader(await link.CallAsync(ReplicaDoor.Ask, default, AnswerLimit, CancellationToken.None));
            var index = answer.Number();
            return (index, Convert.ToHexString(answer.Bytes().Span));
        }
        catch (Exception failure) when (failure is NodeLinkException or TimeoutException)
        {
            return null;
        }
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private sealed class NothingComes : INodeService
    {
        public ValueTask ReceivedAsync(NodeLink link, NodeMessage message) => throw new InvalidDataException($"{message.Method} came out of turn");

        public void Ended(NodeLink link, string why)
        {
            // Whoever waits for the answer hears it.
        }
    }
}
