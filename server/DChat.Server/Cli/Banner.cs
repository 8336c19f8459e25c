using DChat.Server.Coordinator;
using DChat.Server.Http;

namespace DChat.Server.Cli;

/// <summary>What a person reads after the start: where it listens and how to chat.</summary>
internal static class Banner
{
    /// <summary>
    /// The last line is the one that scripts wait for: <c>listening http://127.0.0.1:8080 node http://127.0.0.1:8081</c>.
    /// With JSON logs nothing else is printed, so that each other line is one object.
    /// </summary>
    public static void Print(IHost app, ServerOptions options)
    {
        var client = Listeners.ClientUrl(app);
        if (options.LogFormat == LogFormat.Text)
        {
            var at = Reachable(client);
            var server = at == $"http://127.0.0.1:{new ServerOptions().Port}" ? "" : $" --server {at}";
            Console.WriteLine($"\nD-Chat {ConfigVerbs.ProductVersion} · {at} · data in {Path.GetFullPath(options.Data)}\n");
            Line("chat in a terminal", $"make dev-client ARGS=\"register NAME{server}\"");
            Line("", $"make dev-client ARGS=\"--help\"");
            if (app.Services.GetRequiredService<CoordinatorService>().NewAdminPassword is { } password)
            {
                Line("administrator", $"admin, password {password}");
                Line("", $"shown this once; kept in {Path.Combine(options.Data, "initial-admin-password")}");
            }

            Line("stop", "Ctrl-C");
            Console.WriteLine();
        }

        Console.WriteLine($"listening {client} node {Listeners.NodeUrl(app)}");
    }

    private static void Line(string what, string how) => Console.WriteLine($"  {what,-20}{how}");

    /// <summary>An address that a client on this machine can use.</summary>
    private static string Reachable(string url) =>
        url.Replace("[::]", "127.0.0.1", StringComparison.Ordinal).Replace("0.0.0.0", "127.0.0.1", StringComparison.Ordinal);
}
