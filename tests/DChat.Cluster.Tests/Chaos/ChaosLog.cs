using System.Globalization;
using DChat.TestKit;
using Xunit.Abstractions;

namespace DChat.Cluster.Tests.Chaos;

/// <summary>What happened, with its time: in the test's output, and as it happens in the file that <c>DCHAT_CHAOS_LOG</c> names.</summary>
internal sealed class ChaosLog(ITestOutputHelper output)
{
    private static readonly string? File = Environment.GetEnvironmentVariable("DCHAT_CHAOS_LOG");

    private readonly Lock _gate = new();

    public static long NowMs => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();

    public void Say(string what)
    {
        lock (_gate)
        {
            var line = string.Create(CultureInfo.InvariantCulture, $"{DateTime.UtcNow:HH:mm:ss.fff} {what}");
            output.WriteLine(line);
            if (File is not null)
            {
                System.IO.File.AppendAllText(File, line + Environment.NewLine);
            }
        }
    }

    /// <summary>Keeps what all processes logged, for whoever looks for the cause.</summary>
    public void Keep(ClusterUnderTest cluster, IEnumerable<ServerProcess> gone, string acks)
    {
        var folder = Directory.CreateDirectory(Path.Combine(ServerBinary.Root, "artifacts", $"chaos-{NowMs.ToString(CultureInfo.InvariantCulture)}")).FullName;
        foreach (var process in cluster.Workers.Concat(gone).Concat(cluster.CoordinatorNodes))
        {
            System.IO.File.WriteAllText(Path.Combine(folder, Path.GetFileName(process.Data) + ".log"), process.Log.ToString());
        }

        if (System.IO.File.Exists(acks))
        {
            System.IO.File.Copy(acks, Path.Combine(folder, "acks"));
        }

        Say($"the logs of all processes are in {folder}");
    }
}
