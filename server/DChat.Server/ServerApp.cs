using System.Net.Sockets;
using DChat.Core.Blobs;
using DChat.Core.ControlLog;
using DChat.Core.Messages;
using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Server.Http;
using DChat.Server.Nodes;
using DChat.Server.Observability;
using DChat.Server.Security;
using DChat.Storage.Postgres;
using DChat.Storage.Sqlite;
using DChat.Server.Worker;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace DChat.Server;

/// <summary>The whole server: which services make it up, what it serves where, and its life from start to stop.</summary>
public static partial class ServerApp
{
    /// <summary>Checks what is around, starts, says how to chat, and runs until it is stopped.</summary>
    /// <returns>An exit code of <see cref="CommandLine"/>.</returns>
    public static async Task<int> RunAsync(ServerOptions options)
    {
        using var data = Preflight.Check(options);
        try
        {
            await using var app = Build(options);
            await app.StartAsync(CancellationToken.None);
            Banner.Print(app, options);
            await app.WaitForShutdownAsync(CancellationToken.None);
            return Failed(app).Any() ? CommandLine.Failure : CommandLine.Success;
        }
        catch (IOException e) when (e.InnerException is AddressInUseException)
        {
            // Between the check and the start somebody else took the port.
            throw Preflight.CannotListen("--host", options.Host, "--port", options.Port, SocketError.AddressAlreadyInUse);
        }
        catch (Exception e) when (RefusesToStart(e))
        {
            await Console.Error.WriteLineAsync($"dchat-server: refusing to start: {e.Message}");
            return CommandLine.Failure;
        }
        catch (Exception e) when (e is not ConfigurationException)
        {
            await Console.Error.WriteLineAsync($"dchat-server: failed: {e}");
            return CommandLine.Failure;
        }
    }

    /// <summary>What is around is not as it must be; the message names it and the remedy. Anything else is a mistake of this program.</summary>
    private static bool RefusesToStart(Exception e) => e is StartRefusedException
        or ControlLogDamagedException or ControlLogUnavailableException
        or MessageStoreDamagedException or MessageStoreUnavailableException
        or BlobStoreUnavailableException
        or PostgresSchemaException
        or SqliteInUseException or SqliteSchemaException or SqliteLibraryException;

    /// <summary>The composition, not started; tests add to it what they observe it by.</summary>
    public static WebApplication Build(ServerOptions options, Action<WebApplicationBuilder>? adjust = null)
    {
        // The empty builder reads no environment variable or file behind the back of ServerOptions.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "dchat-server", EnvironmentName = "Production" });
        builder.Services.AddSingleton(options).AddSingleton(options.Limits);
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(options.DrainSeconds));
        builder.AddObservability(options);
        builder.AddListeners(options);
        builder.AddNode(options);
        if (options.IsCoordinator)
        {
            builder.AddCoordinator(options);
        }

        if (options.IsWorker)
        {
            builder.AddHttpApi();
            builder.AddWorker(options);
        }

        builder.AddSecurity(); // Last: its keys come with the registry.
        adjust?.Invoke(builder);

        var app = builder.Build();
        app.UseProblems();
        app.UseRouting();
        app.UseListeners();
        app.MapNode(options);
        app.MapObservability();
        if (options.IsCoordinator)
        {
            app.ObserveCoordinator();
        }

        if (options.IsWorker)
        {
            app.MapHttpApi();
            app.MapHub();
        }
        else
        {
            app.MapCoordinatorHealth();
        }

        LogFailures(app);
        return app;
    }

    /// <summary>A service that ended by an exception stops the host; here it is said why, once.</summary>
    private static void LogFailures(WebApplication app)
    {
        var log = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(ServerApp));
        app.Lifetime.ApplicationStopping.Register(() =>
        {
            foreach (var service in Failed(app))
            {
                Log.ServiceFailed(log, service.GetType().Name, service.ExecuteTask!.Exception!.InnerException!);
            }
        });
    }

    private static IEnumerable<BackgroundService> Failed(WebApplication app) =>
        app.Services.GetServices<IHostedService>().OfType<BackgroundService>().Where(service => service.ExecuteTask is { IsFaulted: true });

    private static partial class Log
    {
        [LoggerMessage(EventId = 1000, Level = LogLevel.Critical, Message = "{Service} failed; the server stops")]
        public static partial void ServiceFailed(ILogger logger, string service, Exception exception);
    }
}
