using System.Net.Sockets;
using DChat.Core.Blobs;
using DChat.Core.ControlLog;
using DChat.Core.Messages;
using DChat.Server.Blobs;
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
public static class ServerApp
{
    /// <summary>Of the time that a stop may take: all services have stopped by then; the rest is for stores and logs to be closed.</summary>
    private const double ServicesStop = 0.95;

    /// <summary>Checks what is around, starts, says how to chat, and runs until it is stopped.</summary>
    /// <returns>An exit code of <see cref="CommandLine"/>.</returns>
    public static Task<int> RunAsync(ServerOptions options) => RunAsync(options, null);

    internal static async Task<int> RunAsync(ServerOptions options, Action<WebApplicationBuilder>? adjust)
    {
        try
        {
            using var data = Preflight.Check(options);
            var app = Build(options, adjust);
            Plaintext.Warn(app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(ServerApp)), options);
            var failures = app.Services.GetRequiredService<ServiceFailures>();
            var overdue = OverdueAsync(TimeSpan.FromSeconds(options.DrainSeconds), app.Lifetime.ApplicationStopping);
            var running = RunToEndAsync(app, options); // A start that is refused may have ended here already, and its services with it.
            if (await Task.WhenAny(running, overdue) == running)
            {
                await running;
            }
            else
            {
                // Such as a message store that does not answer. Nothing that was acknowledged hangs on it.
                await Console.Error.WriteLineAsync($"dchat-server: ends though not all of it is closed: a stop may take {options.DrainSeconds} s (--drain-seconds)");
            }

            if (failures.First is { } failure)
            {
                await Console.Error.WriteLineAsync($"dchat-server: failed while it ran: {failure.Message}");
                return CommandLine.Failure;
            }

            return CommandLine.Success;
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

    private static async Task RunToEndAsync(WebApplication app, ServerOptions options)
    {
        await using var disposing = app;
        if (await StartedAsync(app))
        {
            Banner.Print(app, options);
            await app.WaitForShutdownAsync(CancellationToken.None);
        }
    }

    /// <summary>Completes when a stop has taken as long as it may.</summary>
    private static async Task OverdueAsync(TimeSpan limit, CancellationToken stopping)
    {
        var began = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = stopping.Register(began.SetResult);
        await began.Task;
        await Task.Delay(limit, CancellationToken.None);
    }

    /// <summary>Starts it, or, where that fails, stops what had started while its services are still there.</summary>
    /// <returns>False where it was stopped before it had started.</returns>
    private static async Task<bool> StartedAsync(WebApplication app)
    {
        try
        {
            await app.StartAsync(CancellationToken.None);
            return true;
        }
        catch (Exception e)
        {
            var stopped = e is OperationCanceledException && app.Lifetime.ApplicationStopping.IsCancellationRequested;
            await app.StopAsync(CancellationToken.None);
            if (stopped)
            {
                return false;
            }

            throw;
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
        builder.Services.AddSingleton<ServiceFailures>().AddHostedService(provider => provider.GetRequiredService<ServiceFailures>());
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(options.DrainSeconds) * ServicesStop);
        builder.AddObservability(options);
        builder.AddListeners(options);
        builder.AddNode(options);
        builder.Services.AddBlobs(options);
        if (options.IsCoordinator)
        {
            builder.AddCoordinator(options);
        }

        if (options.IsWorker)
        {
            builder.AddHttpApi();
            builder.AddWorker(options);
        }

        builder.AddSecurity(options); // Last: its keys come with the registry.
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

        return app;
    }
}
