using DChat.Server;
using DChat.Server.Cli;
using DChat.Server.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;

namespace DChat.TestKit;

/// <summary>The server's composition inside the test's process, on free ports, for tests that look inside or replace the clock.</summary>
public sealed class InProcessServer : IAsyncDisposable
{
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(120);
    private readonly TemporaryFolder _folder;
    private readonly WebApplication _app;

    private InProcessServer(TemporaryFolder folder, string data, WebApplication app, LogBook log)
    {
        _folder = folder;
        _app = app;
        Data = data;
        Log = log;
    }

    public IServiceProvider Services => _app.Services;

    public Uri Client => new(Listeners.ClientUrl(_app));

    public Uri Node => new(Listeners.NodeUrl(_app));

    /// <summary>The data folder: a temporary one, unless the test gave its own.</summary>
    public string Data { get; }

    public LogBook Log { get; }

    /// <summary>The password of the account <c>admin</c>.</summary>
    public string AdminPassword => File.ReadAllText(Path.Combine(Data, "initial-admin-password")).Trim();

    /// <param name="configure">Changes the options; ports and data folder are set already. A data folder of the test's own outlives the server.</param>
    /// <param name="adjust">Changes the composition, such as the clock.</param>
    public static async Task<InProcessServer> StartAsync(Func<ServerOptions, ServerOptions>? configure = null, Action<WebApplicationBuilder>? adjust = null)
    {
        var folder = new TemporaryFolder();
        var log = new LogBook();
        var options = new ServerOptions { Data = folder["data"], Port = 0, NodePort = 0, LogLevel = LogLevel.Debug };
        options = configure?.Invoke(options) ?? options;
        Directory.CreateDirectory(options.Data);
        var app = ServerApp.Build(options, builder =>
        {
            LogTo(builder, log);
            adjust?.Invoke(builder);
        });
        var server = new InProcessServer(folder, options.Data, app, log);
        try
        {
            await app.StartAsync().Within();
            return server;
        }
        catch
        {
            await app.DisposeAsync();
            folder.Dispose();
            throw;
        }
    }

    /// <summary>Writes the server's log into the book, and nowhere else.</summary>
    public static void LogTo(WebApplicationBuilder builder, LogBook log)
    {
        builder.Logging.ClearProviders();
        builder.Logging.AddProvider(new LogBookProvider(log));
    }

    /// <summary>An HTTP client of the clients' port. The caller disposes it.</summary>
    public HttpClient CreateHttpClient() => new() { BaseAddress = Client, Timeout = Eventually.DefaultLimit };

    public async ValueTask DisposeAsync()
    {
        try
        {
            await _app.StopAsync().Within(StopLimit);
            await _app.DisposeAsync().AsTask().Within(StopLimit);
            Log.AssertClean();
        }
        finally
        {
            _folder.Dispose();
        }
    }
}
