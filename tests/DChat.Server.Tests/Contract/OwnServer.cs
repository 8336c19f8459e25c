using DChat.Server.Cli;

namespace DChat.Server.Tests.Contract;

/// <summary>A server for one test: with limits of its own, or on a data folder that outlives it.</summary>
internal sealed class OwnServer(Func<ServerOptions, ServerOptions> configure) : ContractServer, IAsyncDisposable
{
    public static async Task<OwnServer> StartAsync(Func<ServerOptions, ServerOptions> configure)
    {
        var server = new OwnServer(configure);
        await server.InitializeAsync();
        return server;
    }

    async ValueTask IAsyncDisposable.DisposeAsync() => await DisposeAsync();

    protected override ServerOptions Configure(ServerOptions options) => configure(Generous(options));
}
