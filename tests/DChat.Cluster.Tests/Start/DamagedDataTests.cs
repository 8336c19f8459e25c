using DChat.TestKit;

namespace DChat.Cluster.Tests.Start;

/// <summary>What the server says when its data is not what it left there: which file, and what to do; and it does not go on.</summary>
public sealed class DamagedDataTests
{
    public static TheoryData<string, string> Damages => new()
    {
        { "cluster-secret", "missing" },
        { "cluster-secret", "garbage" },
        { "cluster-secret", "readable by others" },
        { "cluster-secret", "another's" },
        { "control.db", "missing" },
        { "control.db", "garbage" },
        { "control.db", "emptied" },
        { "messages.db", "garbage" },
        { "messages.db", "missing" },
        { "messages.db", "emptied" },
    };

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task Damage_refuses_the_start_naming_the_file_and_the_remedy(string file, string damage)
    {
        using var folder = new TemporaryFolder();
        await LiveOnceAsync(folder["data"]);
        Damage(Path.Combine(folder["data"], file), damage);

        var (code, output, said) = await ServerProcess.RunAsync(["--data", folder["data"], "--port", "0"]);

        Assert.True(code == 1, $"exit code {code}\n{output}\n{said}");
        Assert.Contains("refusing to start", said);
        Assert.Contains("Remedy: ", said);
        Assert.DoesNotContain("   at ", said);
    }

    /// <summary>What became of the file, and whether the worker is at its old address again.</summary>
    public static TheoryData<string, bool> LostIds => LongTests.Pick<TheoryData<string, bool>>(
        new() { { "missing", false } },
        new() { { "missing", false }, { "missing", true }, { "emptied", true } });

    [Theory]
    [MemberData(nameof(LostIds))]
    public async Task A_lost_worker_id_costs_nobody_a_room(string damage, bool samePorts)
    {
        using var folder = new TemporaryFolder();
        var (crowd, port, nodePort) = await LiveOnceAsync(folder["data"]);
        Damage(Path.Combine(folder["data"], "worker-id"), damage);

        await using var server = await ServerProcess.StartAsync(data: folder["data"], clientPort: samePorts ? port : 0, nodePort: samePorts ? nodePort : 0);
        await using var probe = await HubProbe.ConnectAsync(server.Client, crowd.Token(0));
        await Eventually.Holds(async () =>
        {
            try
            {
                return (long)(await probe.CallAsync("send", new { room = crowd.Room, clientId = "2", body = "again" }))!["seq"]! == 2;
            }
            catch (HubCallFailedException)
            {
                return false; // Not given to the new worker yet.
            }
        });
    }

    private static async Task<(Crowd Crowd, int Port, int NodePort)> LiveOnceAsync(string data)
    {
        await using var server = await ServerProcess.StartAsync(data: data);
        using var http = server.CreateHttpClient();
        var crowd = await Crowd.MakeAsync(http, server.AdminPassword, users: 1);
        await using var probe = await HubProbe.ConnectAsync(server.Client, crowd.Token(0));
        await probe.CallAsync("send", new { room = crowd.Room, clientId = "1", body = "kept" });
        return (crowd, server.Client.Port, server.Node.Port);
    }

    private static void Damage(string path, string damage)
    {
        switch (damage)
        {
            case "missing":
                File.Delete(path);
                break;
            case "emptied":
                File.Delete(path + "-wal");
                File.Delete(path + "-shm");
                File.WriteAllBytes(path, []);
                break;
            case "readable by others" when !OperatingSystem.IsWindows():
                File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
                break;
            case "another's":
                File.WriteAllText(path, Convert.ToBase64String(new byte[32]));
                break;
            default:
                using (var file = File.OpenWrite(path))
                {
                    file.Write(Enumerable.Repeat((byte)'x', (int)Math.Min(file.Length, 100_000)).ToArray());
                }

                break;
        }
    }
}
