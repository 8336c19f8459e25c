using System.ComponentModel;
using System.Diagnostics;
using System.Text.RegularExpressions;
using DChat.Server.Cli;
using DChat.Storage.Etcd;

namespace DChat.Server.EtcdMembers;

/// <summary>The <c>etcd</c> program on this machine.</summary>
internal static partial class EtcdProgram
{
    public const string Flag = "--etcd-program";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    /// <summary>Its full path.</summary>
    /// <param name="given">A path, or a name to be looked for on the PATH.</param>
    /// <exception cref="ConfigurationException">It is not there.</exception>
    public static string Find(string given)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new ConfigurationException("--peers", "a coordinator runs its own etcd on Linux only", "start etcd yourself, and give --log etcd://HOST:PORT,…");
        }

        var candidates = given.Contains('/', StringComparison.Ordinal)
            ? [Path.GetFullPath(given)]
            : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries).Select(folder => Path.Combine(folder, given));
        return candidates.FirstOrDefault(IsProgram)
            ?? throw new ConfigurationException($"{Flag} {given}", "there is no such program", $"install etcd {EtcdProbe.OldestVersion} or later (Debian, Ubuntu: apt install etcd-server; if its own service was started by that: systemctl disable --now etcd), or give its path with {Flag}");
    }

    /// <exception cref="ConfigurationException">It does not run, is something else, or too old.</exception>
    public static void CheckVersion(string path)
    {
        var said = Run(path);
        if (Version().Match(said) is not { Success: true } match)
        {
            throw new ConfigurationException($"{Flag} {path}", $"it is not etcd: `{path} --version` says \"{Nodes.Printable.Of(said.Split('\n')[0])}\"", $"give etcd's path with {Flag}");
        }

        if (System.Version.Parse(match.Groups[1].Value) < EtcdProbe.OldestVersion)
        {
            throw new ConfigurationException($"{Flag} {path}", $"it is etcd {match.Groups[1].Value}, which is too old", $"install {EtcdProbe.OldestVersion} or later");
        }
    }

    private static string Run(string path)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(path, ["--version"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var reading = process.StandardOutput.ReadToEndAsync();
            if (!process.WaitForExit(Limit))
            {
                process.Kill();
                throw new ConfigurationException($"{Flag} {path}", $"`{path} --version` did not end within {Limit.TotalSeconds:0} s", $"give etcd's path with {Flag}");
            }

            return reading.GetAwaiter().GetResult();
        }
        catch (Exception failure) when (failure is Win32Exception or IOException)
        {
            throw new ConfigurationException($"{Flag} {path}", $"it cannot be run: {failure.Message}", $"give etcd's path with {Flag}");
        }
    }

    private static bool IsProgram(string path) =>
        File.Exists(path) && !OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) != 0;

    [GeneratedRegex(@"^etcd Version: (\d+\.\d+(?:\.\d+)?)", RegexOptions.CultureInvariant)]
    private static partial Regex Version();
}
