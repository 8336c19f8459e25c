using System.Text.Json;
using DChat.Client.Timelines;
using DChat.Protocol;

namespace DChat.Client.Tests.Timelines;

/// <summary>
/// One timeline over a network that delays, repeats, reorders and loses. Every step is chosen by a number, so a
/// property test can generate and shrink whole runs.
/// </summary>
internal sealed class TimelineSimulation
{
    private const string Me = "me";
    private static readonly string[] Emoji = ["👍", "❤", "🎉"];

    private readonly ModelRoom room = new(Me, pageSize: 4);
    private readonly RoomTimeline timeline;
    private readonly List<object> wire = [];
    private readonly List<RoomEvent> delivered = [];
    private readonly List<(long Ticket, RoomSync Answer)> answers = [];
    private readonly List<(long Ticket, HistoryAnswer Page)> pages = [];
    private readonly List<long> announced = [];
    private readonly HashSet<long> excused = [];
    private readonly Dictionary<long, Message> watched = [];
    private bool subscribed;
    private bool connected;
    private bool first = true;

    public TimelineSimulation(int backfillMax) =>
        timeline = new RoomTimeline(Me, new TimelineOptions { WindowMax = 1_000, HeldMax = 12, BackfillMax = backfillMax });

    private sealed record ResyncNotice;

    public void Step(int choice)
    {
        var (operation, argument) = (choice % 20, choice / 20);
        switch (operation)
        {
            case 0 or 1 or 2 or 3:
                Publish(room.Post(argument % 2 == 0 ? Me : "other"));
                break;
            case 4:
                Publish(room.Edit(Target(argument)));
                break;
            case 5:
                Publish(room.Delete(Target(argument)));
                break;
            case 6:
                Publish(room.React(Target(argument / 6), argument % 2 == 0 ? Me : "other", Emoji[argument / 2 % 3]));
                break;
            case 7 or 8 or 9 or 10:
                Deliver(1 + (argument % 3));
                break;
            case 11:
                Watch(timeline.Apply(delivered.Skip(argument % (delivered.Count + 1)).Take(2).ToList()));
                break;
            case 12 when wire.Count > 1:
                var at = argument % (wire.Count - 1);
                (wire[at], wire[at + 1]) = (wire[at + 1], wire[at]);
                break;
            case 13 when argument % 3 == 0 && connected:
                // A client may drop what it has not taken in, and a server may always say that it cannot continue.
                timeline.MarkLost();
                Fetch(tooLarge: false, forceReset: true);
                break;
            case 13:
                Fetch(tooLarge: argument % 4 == 0);
                break;
            case 14:
                Answer(argument);
                break;
            case 15:
                Overflow();
                break;
            case 16 when argument % 4 == 0:
                Disconnect();
                break;
            case 17 when wire.Count > 0 && wire[argument % wire.Count] is RoomEvent:
                // Lost without a word, which no server should do; a later event gives it away.
                wire.RemoveAt(argument % wire.Count);
                break;
            case 18:
                AskOlder();
                break;
            case 19 when argument % 5 == 0:
                room.Retain(3 + (argument % 7));
                break;
            default:
                break;
        }
    }

    /// <summary>Lets the network heal and everything arrive, then compares.</summary>
    public void Finish()
    {
        for (var round = 0; round < 1_000; round++)
        {
            // A subscription that ended by an overflow is noticed by the notice on the wire.
            Deliver(int.MaxValue);
            while (answers.Count + pages.Count > 0)
            {
                Answer(0);
            }

            if (timeline.IsLive && wire.Count == 0 && subscribed)
            {
                break;
            }

            Fetch(tooLarge: false);
        }

        Publish(room.Post("other"));
        Deliver(int.MaxValue);
        for (var round = 0; round < 1_000 && !timeline.IsLive; round++)
        {
            Fetch(tooLarge: false);
            Answer(0);
            Deliver(int.MaxValue);
        }

        Compare();
    }

    private long Target(int argument) => Math.Max(1, room.NewestSeq - (argument % 12));

    private void Publish(RoomEvent? change)
    {
        if (subscribed && change is not null)
        {
            wire.Add(change);
        }
    }

    private void Deliver(int count)
    {
        while (count-- > 0 && wire.Count > 0)
        {
            var item = wire[0];
            wire.RemoveAt(0);
            if (item is RoomEvent change)
            {
                delivered.Add(change);
                Watch(timeline.Apply([change]));
            }
            else
            {
                timeline.MarkLost();
            }
        }
    }

    private void Overflow()
    {
        if (subscribed)
        {
            wire.Clear();
            wire.Add(new ResyncNotice());
            subscribed = false;
        }
    }

    private void Disconnect()
    {
        wire.Clear();
        delivered.Clear();
        answers.Clear();
        pages.Clear();
        (subscribed, connected) = (false, false);
        timeline.Disconnected();
    }

    private void Fetch(bool tooLarge, bool forceReset = false)
    {
        if (!connected)
        {
            connected = true;
            subscribed = true;
            var after = timeline.Rev;
            answers.Add((timeline.BeginFetch(), room.Subscribe(after, tooLarge)));
            return;
        }

        switch (timeline.Need)
        {
            case TimelineNeed.Changes changes:
                subscribed = true;
                answers.Add((timeline.BeginFetch(), room.Subscribe(changes.AfterRev, forceReset: forceReset)));
                break;
            case TimelineNeed.Older:
                AskOlder();
                break;
            default:
                break;
        }
    }

    private void AskOlder()
    {
        if (connected && timeline.BeginOlder() is { } ticket)
        {
            pages.Add((ticket, room.History(timeline.Messages[0].Seq)));
        }
    }

    private void Answer(int argument)
    {
        if (answers.Count > 0 && (argument % 2 == 0 || pages.Count == 0))
        {
            var (ticket, answer) = answers[0];
            answers.RemoveAt(0);
            if (argument % 11 == 10)
            {
                timeline.FetchFailed(ticket);
                return;
            }

            Watch(timeline.Apply(ticket, answer));
        }
        else if (pages.Count > 0)
        {
            var (ticket, page) = pages[0];
            pages.RemoveAt(0);
            var oldest = timeline.Messages.Count == 0 ? long.MaxValue : timeline.Messages[0].Seq;
            var changes = timeline.ApplyOlder(ticket, page, keep: false);
            foreach (var message in timeline.Messages.TakeWhile(m => m.Seq < oldest))
            {
                // What scrolling back brings is read from the timeline, not announced.
                watched[message.Seq] = message;
            }

            Watch(changes);
        }
    }

    private void Watch(IReadOnlyList<TimelineChange> changes)
    {
        foreach (var change in changes)
        {
            switch (change)
            {
                case TimelineChange.Posted { Message: var message }:
                    announced.Add(message.Seq);
                    watched[message.Seq] = message;
                    break;
                case TimelineChange.Edited { Message: var message }:
                    Assert.NotNull(message.EditedAt);
                    watched[message.Seq] = message;
                    break;
                case TimelineChange.Deleted { Message: var message }:
                    Assert.NotNull(message.DeletedAt);
                    watched[message.Seq] = message;
                    break;
                case TimelineChange.Reacted { Message: var message }:
                    watched[message.Seq] = message;
                    break;
                case TimelineChange.Reset:
                    Redraw();
                    break;
                case TimelineChange.Skipped(var from, var to):
                    excused.UnionWith(Enumerable.Range((int)from, (int)(to - from + 1)).Select(seq => (long)seq));
                    break;
                default:
                    throw new InvalidOperationException($"Unknown change {change}.");
            }
        }
    }

    private void Redraw()
    {
        watched.Clear();
        foreach (var message in timeline.Messages)
        {
            watched[message.Seq] = message;
            if (first)
            {
                excused.Add(message.Seq);
            }
        }

        if (first)
        {
            excused.UnionWith(Enumerable.Range(1, (int)(timeline.Messages.Count == 0 ? 0 : timeline.Messages[0].Seq)).Select(seq => (long)seq));
        }

        first = false;
    }

    private void Compare()
    {
        Assert.Equal(room.Rev, timeline.Rev);
        Assert.True(timeline.IsLive);
        var oldest = timeline.Messages[0].Seq;
        Assert.True(timeline.HasOlder || !room.HasBefore(oldest));

        // A message that retention removed at the server may stay in a window: it was true when it was read.
        var expected = room.Messages.Where(m => m.Seq >= oldest).ToList();
        var kept = timeline.Messages.Where(m => m.Seq >= (expected.Count == 0 ? long.MaxValue : expected[0].Seq)).ToList();
        Assert.Equal(expected.Select(Text), kept.Select(Text));

        // Announced once each, ascending, and nothing forgotten.
        Assert.Equal(announced.Distinct().Order(), announced);
        Assert.All(expected, m => Assert.True(announced.Contains(m.Seq) || excused.Contains(m.Seq), $"seq {m.Seq} was never announced"));

        // Who only followed the changes sees the same.
        Assert.All(expected, m => Assert.Equal(Text(m), Text(watched[m.Seq])));
    }

    private static string Text(Message message) => JsonSerializer.Serialize(
        message with { Mine = message.Mine is null ? null : [.. message.Mine.Order()] }, ProtocolJson.Wire.Message);
}
