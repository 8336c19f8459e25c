using System.Collections.Concurrent;
using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Server.EtcdMembers;
using DChat.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Server.Tests.EtcdMembers;

/// <summary>Wherever a restore into a member ends, what it leaves is marked: the mark is the first thing there and the last to go.</summary>
public sealed class MemberRestorationTests : IDisposable
{
    private const string Mark = "restoring";

    private readonly TemporaryFolder _data = new();
    private readonly string _folder;
    private readonly ServerOptions _options;

    public MemberRestorationTests()
    {
        _folder = Path.Combine(_data.Path, "etcd");
        _options = new ServerOptions { Data = _data.Path, Node = "c1", Peers = PeerList.Parse($"c1=127.0.0.1:{FreePort.Next()}"), EtcdProgram = "/bin/false" };
        Directory.CreateDirectory(_folder);
    }

    public void Dispose() => _data.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_mark_is_there_before_anything_else_and_after_everything_else(bool wasInterrupted)
    {
        if (wasInterrupted)
        {
            foreach (var file in (string[])[Mark, "member.json", "data/member/wal/0.wal"])
            {
                Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(_folder, file))!);
                await File.WriteAllTextAsync(Path.Combine(_folder, file), "");
            }
        }

        MemberRestoration.RefuseUsed(_options);
        var seen = new ConcurrentQueue<string>();
        using (var watcher = new FileSystemWatcher(_folder))
        {
            watcher.Created += (_, change) => seen.Enqueue("+" + change.Name);
            watcher.Deleted += (_, change) => seen.Enqueue("-" + change.Name);
            watcher.EnableRaisingEvents = true;
            await Assert.ThrowsAsync<StartRefusedException>(() => BeginAsync().Within());
            await Eventually.Holds(() => seen.Contains("-" + Mark));
        }

        Assert.False(Directory.Exists(_folder));
        Assert.Equal("-" + Mark, seen.Last());
        Assert.Single(seen, "-" + Mark);
        Assert.Contains("+tls", seen);
        if (wasInterrupted)
        {
            Assert.Contains("-member.json", seen);
            Assert.DoesNotContain("+" + Mark, seen);
        }
        else
        {
            Assert.Equal("+" + Mark, seen.First());
        }
    }

    [Fact]
    public async Task What_is_not_marked_is_a_member_and_stays()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "member.json"), "");
        Assert.Contains("overwrites nothing", Assert.Throws<ConfigurationException>(() => MemberRestoration.RefuseUsed(_options)).Message, StringComparison.Ordinal);
        await File.WriteAllTextAsync(Path.Combine(_folder, Mark), "");
        MemberRestoration.RefuseUsed(_options);
    }

    private Task BeginAsync() => MemberRestoration.BeginAsync(
        _options, ClusterSecret.Parse(Convert.ToBase64String(new byte[ClusterSecret.Size]), "a test"), TimeProvider.System, NullLoggerFactory.Instance, _ => Task.CompletedTask, default);
}
