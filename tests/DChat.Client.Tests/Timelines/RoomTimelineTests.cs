using DChat.Client.Timelines;
using DChat.Protocol;

namespace DChat.Client.Tests.Timelines;

/// <summary>The cases of a timeline that have a name.</summary>
public sealed class RoomTimelineTests
{
    private readonly ModelRoom room = new("me", pageSize: 10);
    private readonly RoomTimeline timeline = new("me", new TimelineOptions { WindowMax = 200, HeldMax = 8, BackfillMax = 20 });

    [Fact]
    public void The_first_page_is_drawn_and_not_announced()
    {
        Post(15);

        Assert.Equal([new TimelineChange.Reset()], Fetch());
        Assert.Equal(Seqs(6, 15), timeline.Messages.Select(m => m.Seq));
        Assert.True(timeline.HasOlder && timeline.IsLive);
    }

    [Fact]
    public void An_event_that_overtook_another_waits_for_it()
    {
        Fetch();
        var events = Post(3);

        Assert.Empty(timeline.Apply([events[2]]));
        Assert.Empty(timeline.Apply([events[1]]));
        Assert.Equal(Seqs(1, 3), Announced(timeline.Apply([events[0]])));
    }

    [Fact]
    public void Events_that_overtook_the_answer_that_carries_them_are_told_once()
    {
        Fetch();
        var missed = Post(2);
        timeline.Disconnected();
        var ticket = timeline.BeginFetch();
        var answer = room.Subscribe(timeline.Rev);
        var live = Post(2);

        Assert.Empty(timeline.Apply(live));
        Assert.Equal(Seqs(1, 4), Announced(timeline.Apply(ticket, answer)));
        Assert.Empty(timeline.Apply([.. missed, .. live]));
    }

    [Fact]
    public void A_hole_asks_for_what_is_missing_once()
    {
        Fetch();
        var events = Post(3);
        timeline.Apply([events[0]]);
        timeline.Apply([events[2]]);

        Assert.Equal(new TimelineNeed.Changes(1), timeline.Need);
        timeline.BeginFetch();
        Assert.Null(timeline.Need);
    }

    [Fact]
    public void An_answer_of_a_connection_that_is_gone_counts_no_more()
    {
        var ticket = timeline.BeginFetch();
        Post(1);
        var stale = room.Subscribe(null);
        timeline.Disconnected();

        Assert.Empty(timeline.Apply(ticket, stale));
        Assert.Null(timeline.Rev);
    }

    [Fact]
    public void More_events_than_may_wait_are_dropped_and_fetched()
    {
        Fetch();
        var events = Post(20);

        Assert.Empty(timeline.Apply(events[1..]));
        Assert.Equal(new TimelineNeed.Changes(0), timeline.Need);
        Assert.Equal(Seqs(1, 20), Announced(FetchAll()));
    }

    [Fact]
    public void What_a_reset_left_out_is_fetched_back_and_announced_in_order()
    {
        Fetch();
        timeline.Apply(Post(5));
        timeline.Disconnected();
        Post(20);

        var first = Fetch(room.Subscribe(null) with { Reset = true });
        Assert.Equal([new TimelineChange.Reset()], first);
        Assert.Equal(new TimelineNeed.Older(16), timeline.Need);
        Assert.Equal(Seqs(6, 25), Announced(FetchAll()));
    }

    [Fact]
    public void Too_much_that_a_reset_left_out_is_named()
    {
        Fetch();
        timeline.Apply(Post(5));
        timeline.Disconnected();
        Post(50);

        var changes = Fetch(room.Subscribe(null) with { Reset = true });

        Assert.Equal(new TimelineChange.Skipped(6, 45), changes[1]);
        Assert.Equal(Seqs(46, 55), Announced(changes));
        Assert.True(timeline.IsLive);
    }

    [Fact]
    public void Events_that_were_applied_while_a_reset_was_under_way_are_neither_lost_nor_told_again()
    {
        Fetch();
        var before = Post(5);
        timeline.MarkLost();
        var ticket = timeline.BeginFetch();
        var answer = room.Subscribe(null) with { Reset = true };
        var after = Post(1);

        Assert.Equal(Seqs(1, 6), Announced(timeline.Apply([.. before, .. after])));
        Assert.Empty(Announced(timeline.Apply(ticket, answer)));
        Assert.Empty(Announced(FetchAll()));
        Assert.Equal(Seqs(1, 6), timeline.Messages.Select(m => m.Seq));
        Assert.Equal(6, timeline.Rev);
    }

    [Fact]
    public void A_server_that_was_put_back_to_an_older_state_is_believed()
    {
        Fetch();
        timeline.Apply(Post(5));
        timeline.Disconnected();
        var restored = new ModelRoom("me", pageSize: 10);
        restored.Post("other");
        restored.Post("other");

        Fetch(restored.Subscribe(timeline.Rev));
        Assert.Equal(2, timeline.Rev);
        Assert.Equal(Seqs(1, 2), timeline.Messages.Select(m => m.Seq));
        Assert.Equal([3], Announced(timeline.Apply([restored.Post("other")])));
    }

    [Fact]
    public void A_room_that_begins_under_the_eyes_of_the_client_is_announced_from_its_first_message()
    {
        timeline.SubscribedAt(0);

        Assert.Equal([1L, 2L], Announced(timeline.Apply(Post(2))));
        Assert.False(timeline.HasOlder);
    }

    [Fact]
    public void In_a_room_that_is_joined_only_what_is_posted_after_the_joining_is_announced()
    {
        Post(4);
        timeline.SubscribedAt(room.Rev);
        Post(2);

        Assert.Equal(new TimelineNeed.Changes(null), timeline.Need);
        Assert.Equal([5L, 6L], Announced(Fetch()));
    }

    [Fact]
    public void A_room_that_did_not_fit_into_the_sync_is_asked_for_alone()
    {
        Post(3);
        var ticket = timeline.BeginFetch();
        Assert.Empty(timeline.Apply(ticket, room.Subscribe(null, tooLarge: true)));

        Assert.Equal(new TimelineNeed.Changes(null), timeline.Need);
        Fetch();
        Assert.True(timeline.IsLive);
    }

    [Fact]
    public void The_window_is_bounded_and_grows_only_for_a_reader_who_scrolled_back()
    {
        Fetch();
        for (var i = 0; i < 100; i++)
        {
            timeline.Apply(Post(10));
        }

        Assert.InRange(timeline.Messages.Count, 200, 456);
        Assert.True(timeline.HasOlder);
        while (timeline.HasOlder)
        {
            timeline.ApplyOlder(timeline.BeginOlder()!.Value, room.History(timeline.Messages[0].Seq), keep: true);
        }

        timeline.Apply(Post(1));
        Assert.Equal(1_001, timeline.Messages.Count);
        timeline.Release();
        Assert.Equal(200, timeline.Messages.Count);
    }

    [Fact]
    public void Ones_own_reactions_are_known_though_events_do_not_carry_them()
    {
        Fetch();
        timeline.Apply(Post(1));

        timeline.Apply([room.React(1, "me", "👍")!, room.React(1, "other", "👍")!, room.React(1, "me", "🎉")!]);
        Assert.Equal(["👍", "🎉"], timeline.Find(1)!.Mine!);
        timeline.Apply([room.React(1, "me", "👍")!]);
        Assert.Equal(["🎉"], timeline.Find(1)!.Mine!);
    }

    [Fact]
    public void An_older_page_does_not_undo_what_was_changed_while_it_was_under_way()
    {
        Post(20);
        Fetch();
        var ticket = timeline.BeginOlder()!.Value;
        var page = room.History(timeline.Messages[0].Seq);
        timeline.Apply([room.Edit(3)!, room.React(4, "me", "👍")!]);

        timeline.ApplyOlder(ticket, page, keep: false);

        Assert.NotNull(timeline.Find(3)!.EditedAt);
        Assert.Equal(["👍"], timeline.Find(4)!.Mine!);
    }

    private static long[] Seqs(int from, int to) => [.. Enumerable.Range(from, to - from + 1).Select(seq => (long)seq)];

    private static long[] Announced(IEnumerable<TimelineChange> changes) => [.. changes.OfType<TimelineChange.Posted>().Select(c => c.Message.Seq)];

    private RoomEvent[] Post(int count) => [.. Enumerable.Range(0, count).Select(_ => room.Post("other"))];

    private IReadOnlyList<TimelineChange> Fetch(RoomSync? answer = null)
    {
        var after = timeline.Rev;
        var ticket = timeline.BeginFetch();
        return timeline.Apply(ticket, answer ?? room.Subscribe(after));
    }

    private List<TimelineChange> FetchAll()
    {
        List<TimelineChange> changes = [];
        while (timeline.Need is { } need)
        {
            changes.AddRange(need is TimelineNeed.Older older
                ? timeline.ApplyOlder(timeline.BeginOlder()!.Value, room.History(older.BeforeSeq), keep: false)
                : Fetch());
        }

        return changes;
    }
}
