using System.Text;
using System.Text.Json;
using DChat.Server.Worker.Host;

namespace DChat.Server.Tests.Worker;

/// <summary>G5, from the ring: everything that changed since a revision, once, or nothing at all.</summary>
public sealed class RoomRingTests
{
    [Fact]
    public void G5_the_latest_state_of_each_changed_message_once_lowest_rev_first()
    {
        var ring = new RoomRing();
        ring.Reset(0);
        Add(ring, rev: 1, seq: 1);
        Add(ring, rev: 2, seq: 2);
        Add(ring, rev: 3, seq: 1);
        Add(ring, rev: 4, seq: 3);

        Assert.Equal([2, 3, 4], Revs(ring.TryRead(0, 4, 200)!));
        Assert.Equal([3, 4], Revs(ring.TryRead(2, 4, 200)!));
        Assert.Empty(Revs(ring.TryRead(4, 4, 200)!));
    }

    [Fact]
    public void G5_what_is_newer_than_the_subscription_is_left_to_the_live_events()
    {
        var ring = new RoomRing();
        ring.Reset(0);
        Add(ring, rev: 1, seq: 1);
        Add(ring, rev: 2, seq: 2);
        Add(ring, rev: 3, seq: 1);

        Assert.Equal([1, 2], Revs(ring.TryRead(0, 2, 200)!));
    }

    [Fact]
    public void G5_a_host_that_was_told_less_than_the_subscriber_does_not_answer()
    {
        var ring = new RoomRing();
        ring.Reset(4);
        Assert.Null(ring.TryRead(4, 5, 200));
        Add(ring, rev: 5, seq: 5);
        Assert.Equal([5], Revs(ring.TryRead(4, 5, 200)!));
        Assert.Null(ring.TryRead(4, 6, 200)); // Another host, at a higher epoch, has told 6.
        ring.Reset(9);
        Assert.Empty(Revs(ring.TryRead(9, 9, 200)!));
        Assert.Null(ring.TryRead(9, 10, 200));
    }

    [Fact]
    public void G5_a_page_says_when_there_is_more()
    {
        var ring = new RoomRing();
        ring.Reset(10);
        for (var i = 11; i <= 20; i++)
        {
            Add(ring, rev: i, seq: i);
        }

        var page = ring.TryRead(10, 20, 4)!;
        Assert.Equal([11, 12, 13, 14], Revs(page));
        Assert.True(page.More);
        Assert.False(ring.TryRead(14, 20, 6)!.More);
    }

    [Fact]
    public void G5_what_the_ring_no_longer_has_is_not_answered_from_it()
    {
        var ring = new RoomRing();
        ring.Reset(100);
        Assert.Null(ring.TryRead(99, 100, 200));
        for (var i = 1; i <= RoomRing.ChangesMax + 5; i++)
        {
            Add(ring, rev: 100 + i, seq: i);
        }

        var last = 100 + RoomRing.ChangesMax + 5;
        Assert.Null(ring.TryRead(104, last, 200));
        Assert.NotNull(ring.TryRead(105, last, 200));
        Assert.Null(ring.TryRead(last + 1, last, 200));
    }

    [Fact]
    public void A_message_with_reactions_is_left_to_the_store_which_knows_the_readers_own()
    {
        var ring = new RoomRing();
        ring.Reset(0);
        Add(ring, rev: 1, seq: 1);
        ring.Add(2, 1, Encoding.UTF8.GetBytes("""{"seq":1,"rev":2}"""), reacted: true, sentAt: 2);
        Assert.Null(ring.TryRead(0, 2, 200));
        Assert.Empty(Revs(ring.TryRead(2, 2, 200)!));
    }

    [Fact]
    public void What_retention_removed_is_forgotten_and_nobody_resumes_over_it()
    {
        var ring = new RoomRing();
        ring.Reset(0);
        Add(ring, rev: 1, seq: 1);
        Add(ring, rev: 2, seq: 2);
        Add(ring, rev: 3, seq: 1);
        Add(ring, rev: 4, seq: 3);
        ring.Retain(sentBefore: 2);
        Assert.Equal(3, ring.FloorRev);
        Assert.Null(ring.TryRead(2, 4, 10));
        Assert.Equal(1, ring.TryRead(3, 4, 10)!.Count);
        ring.Retain(sentBefore: 9);
        Assert.Equal((4, 0), (ring.FloorRev, ring.TryRead(4, 4, 10)!.Count));
    }

    private static void Add(RoomRing ring, long rev, long seq) =>
        ring.Add(rev, seq, Encoding.UTF8.GetBytes($$"""{"seq":{{seq}},"rev":{{rev}}}"""), reacted: false, sentAt: seq);

    private static long[] Revs(ResumePage page)
    {
        using var json = JsonDocument.Parse(page.Messages);
        var revs = json.RootElement.EnumerateArray().Select(message => message.GetProperty("rev").GetInt64()).ToArray();
        Assert.Equal(page.Count, revs.Length);
        return revs;
    }
}
