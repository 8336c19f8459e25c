using DChat.Server.Http;

namespace DChat.Server.Cli;

/// <summary>What a person reads after the start: where it listens and how to chat.</summary>
internal static class Banner
{
    /// <summary>
    /// The line that scripts wait for: <c>listening http://127.0.0.1:8080 node http://127.0.0.1:8081</c>.
    /// With JSON logs nothing else is printed, so that each other line is one object.
    /// </summary>
    public static void Print(IHost app, ServerOptions options)
    {
        var client = Listeners.ClientUrl(app);
        if (options.LogFormat == LogFormat.Text)
        {
            Console.WriteLine(
                $"""

                D-Chat {ConfigVerbs.ProductVersion} · data in {Path.GetFullPath(options.Data)}

                  chat in a terminal    dotnet run --project client/DChat.Terminal -- register NAME --server {Reachable(client)}
                                        dotnet run --project client/DChat.Terminal -- help
                  stop                  Ctrl-C
                """);
            Console.WriteLine();
        }

        Console.WriteLine($"listening {client} node {Listeners.NodeUrl(app)}");
    }

    /// <summary>An address that a client on this machine can use.</summary>
    private static string Reachable(string url) =>
        url.Replace("[::]", "127.0.0.1", StringComparison.Ordinal).Replace("0.0.0.0", "127.0.0.1", StringComparison.Ordinal);
}
