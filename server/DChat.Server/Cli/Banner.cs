using System.Globalization;
using System.Text.Json;
using DChat.Server.Coordinator;
using DChat.Server.Http;
using DChat.Server.Observability;

namespace DChat.Server.Cli;

/// <summary>What a person reads after the start: where it listens and how to chat.</summary>
internal static class Banner
{
    /// <summary>
    /// The last line is the one that scripts wait for: <c>listening http://127.0.0.1:8080 node http://127.0.0.1:8081</c>.
    /// With JSON logs nothing else is printed, and it is an object as each other line is, with that as its <c>Message</c>.
    /// </summary>
    public static void Print(IHost app, ServerOptions options)
    {
        if (!options.IsWorker)
        {
            PrintCoordinator(app, options);
            return;
        }

        var client = Listeners.ClientUrl(app);
        if (options.LogFormat == LogFormat.Text)
        {
            var at = Reachable(client);
            var server = at == $"http://127.0.0.1:{new ServerOptions().Port}" ? "" : $" --server {at}";
            Console.WriteLine($"\nD-Chat {ConfigVerbs.ProductVersion} · {at} · data in {Path.GetFullPath(options.Data)}\n");
            Line("chat in a terminal", $"make dev-client ARGS=\"register NAME{server}\"");
            Line("", $"make dev-client ARGS=\"--help\"");
            ShowPassword(app, options);

            Line("stop", "Ctrl-C");
            Console.WriteLine();
        }

        PrintListening(app, options, $"listening {client} node {Listeners.NodeUrl(app)}");
    }

    /// <summary>The last line of a coordinator alone: <c>listening node http://10.0.0.1:9000</c>.</summary>
    private static void PrintCoordinator(IHost app, ServerOptions options)
    {
        var node = Listeners.NodeUrl(app);
        if (options.LogFormat == LogFormat.Text)
        {
            var secret = options.ClusterSecretFile ?? Path.Combine(options.Data, "cluster-secret");
            Console.WriteLine($"\nD-Chat {ConfigVerbs.ProductVersion} · coordinator · {node} · data in {Path.GetFullPath(options.Data)}\n");
            var others = options.SharesLog ? ",…" : ""; // The other coordinators' node ports are theirs to say.
            Line("add a worker", $"dchat-server --mode worker --port 8080 --node-host ADDRESS --node-port 8081 --coordinators {options.EffectiveAdvertise}{others}");
            Line("", $"             --cluster-secret-file {secret} --store postgres://… --blobs {(options.Blobs is { S3: null } folder ? folder : "s3://…")}");
            if (options.NodeTlsCa is { } authority)
            {
                Line("", $"             --node-tls-certificate … --node-tls-key … --node-tls-ca {authority}");
            }

            ShowPassword(app, options);
            Line("stop", "Ctrl-C");
            Console.WriteLine();
        }

        PrintListening(app, options, $"listening node {node}");
    }

    // Not by the logger: whatever the log level, scripts wait for it.
    private static void PrintListening(IHost app, ServerOptions options, string line)
    {
        var now = app.Services.GetRequiredService<TimeProvider>().GetUtcNow();
        Console.WriteLine(options.LogFormat == LogFormat.Text ? line : JsonSerializer.Serialize(new
        {
            Timestamp = now.ToString(ObservabilitySetup.TimestampFormat, CultureInfo.InvariantCulture),
            LogLevel = nameof(LogLevel.Information),
            Category = typeof(ServerApp).FullName,
            Message = line,
        }));
    }

    private static void ShowPassword(IHost app, ServerOptions options)
    {
        if (app.Services.GetService<CoordinatorService>()?.NewAdminPassword is { } password)
        {
            Line("administrator", $"admin, password {password}");
            Line("", $"shown this once; kept in {Path.Combine(options.Data, "initial-admin-password")}");
        }
    }

    private static void Line(string what, string how) => Console.WriteLine($"  {what,-20}{how}");

    /// <summary>An address that a client on this machine can use.</summary>
    private static string Reachable(string url) =>
        url.Replace("[::]", "127.0.0.1", StringComparison.Ordinal).Replace("0.0.0.0", "127.0.0.1", StringComparison.Ordinal);
}
