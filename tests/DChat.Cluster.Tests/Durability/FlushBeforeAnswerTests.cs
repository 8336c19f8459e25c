using DChat.TestKit;

namespace DChat.Cluster.Tests.Durability;

/// <summary>
/// G1, G2: a killed process leaves the page cache intact, so a kill test cannot show that what was answered is on the disk.
/// The system calls can.
/// </summary>
public sealed class FlushBeforeAnswerTests
{
    private const int Messages = 40;

    [Fact]
    public async Task G1_G2_nobody_is_told_of_a_message_before_fdatasync_of_the_log_that_holds_it()
    {
        var told = await TraceAsync(ServerBinary.Path);

        Assert.Equal(Messages, told.Count);
        Assert.All(told, each => Assert.True(each.Flushed, $"seq {each.Seq} was told of before it was flushed"));
    }

    [Fact]
    public async Task G1_the_same_check_fails_where_commits_do_not_wait_for_the_disk()
    {
        var told = await TraceAsync(NormalHost.Path);

        Assert.Equal(Messages, told.Count);
        Assert.True(told.Count(each => each.Flushed) <= 1, "synchronous=NORMAL went unnoticed");
    }

    private static async Task<IReadOnlyList<(long Seq, bool Flushed)>> TraceAsync(string program)
    {
        await using var server = await ServerProcess.StartAsync(program: program);
        using var http = server.CreateHttpClient();
        var crowd = await Crowd.MakeAsync(http, server.AdminPassword, users: 2);
        await using var sender = await HubProbe.ConnectAsync(server.Client, crowd.Token(0));
        await using var listener = await HubProbe.ConnectAsync(server.Client, crowd.Token(1));
        await listener.CallAsync("subscribe", new { room = crowd.Room });
        var before = await SendAsync(sender, listener, crowd.Room, "before the trace");

        await using var strace = await Strace.AttachAsync(server.ProcessId, "--trace=fdatasync,fsync,pwrite64,write,writev,sendto,sendmsg");
        for (var i = 0; i < Messages; i++)
        {
            await SendAsync(sender, listener, crowd.Room, $"message {i}");
        }

        var told = FlushOrder.Read(await strace.DetachAsync(), "/messages.db-wal>");
        return [.. told.Where(each => each.Seq > before)];
    }

    /// <summary>Returns when the sender has its answer and the listener the event: what is written after that belongs to the next.</summary>
    private static async Task<long> SendAsync(HubProbe sender, HubProbe listener, string room, string body)
    {
        var answer = await sender.CallAsync("send", new { room, clientId = Guid.NewGuid().ToString("N"), body });
        var seq = (long)answer!["seq"]!;
        await listener.NextAsync("events", events => events["events"]!.AsArray().Any(each => (long)each!["message"]!["seq"]! == seq));
        return seq;
    }
}
