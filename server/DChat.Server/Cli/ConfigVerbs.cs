using System.Reflection;
using DChat.Server.Coordinator;

namespace DChat.Server.Cli;

/// <summary>The verbs that look at the configuration and start nothing.</summary>
internal static class ConfigVerbs
{
    /// <summary>The product's version, such as <c>0.1.0</c>.</summary>
    public static string ProductVersion { get; } =
        typeof(ConfigVerbs).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    public static int Version()
    {
        Console.WriteLine($"dchat-server {ProductVersion}");
        return CommandLine.Success;
    }

    public static int Check(Configuration configuration)
    {
        try
        {
            Preflight.Try(configuration.Options);
        }
        catch (StartRefusedException refusal)
        {
            Console.Error.WriteLine($"dchat-server: would refuse to start: {refusal.Message}");
            return CommandLine.Failure;
        }

        Console.WriteLine("The configuration is right: the server would start.");
        return CommandLine.Success;
    }

    public static int Show(Configuration configuration)
    {
        foreach (var group in Settings.All.GroupBy(setting => setting.Group))
        {
            Console.WriteLine($"# {group.Key}");
            foreach (var setting in group)
            {
                var given = configuration.Origins[setting.Key];
                var value = setting.Secret && given != "default" ? "********" : setting.Show(configuration.Options);
                Console.WriteLine($"{setting.Key} = {value}  ({given})");
            }

            Console.WriteLine();
        }

        return CommandLine.Success;
    }
}
