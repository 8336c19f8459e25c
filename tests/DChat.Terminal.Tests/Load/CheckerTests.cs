using DChat.Terminal.Load.Checking;

namespace DChat.Terminal.Tests.Load;

/// <summary>On histories that are known to be bad the checker says so, and on good ones it says nothing.</summary>
public sealed class CheckerTests
{
    private readonly Checker _checker = new();
    private readonly SendLog _sender;
    private readonly RoomOrder _room;
    private readonly RoomView _first;
    private readonly RoomView _second;

    public CheckerTests()
    {
        _sender = _checker.AddSender();
        _room = _checker.AddRoom(0, "room", baseRev: 10);
        _first = _checker.AddView(_room, 0);
        _second = _checker.AddView(_room, 1);
        _first.Start(10);
        _second.Start(10);
    }

    [Fact]
    public void All_acknowledged_messages_seen_by_all_in_one_order_is_clean()
    {
        SendAcknowledged(3);
        ShowAll(_first, 11, 12, 13);
        ShowAll(_second, 11, 12, 13);

        AssertVerdict(new Verdict(0, 0, 0, 0, 0, 0, []));
    }

    [Fact]
    public void An_acknowledged_message_that_nobody_sees_is_missing()
    {
        SendAcknowledged(3);
        ShowAll(_first, 11, 12);
        ShowAll(_second, 11, 12);

        AssertVerdict(new Verdict(1, 0, 0, 0, 0, 0, []));
    }

    [Fact]
    public void A_message_that_one_client_was_not_shown_at_the_end_is_missing()
    {
        SendAcknowledged(3);
        ShowAll(_first, 11, 12, 13);
        ShowAll(_second, 11, 12);

        AssertVerdict(new Verdict(1, 0, 0, 0, 0, 0, []));
    }

    [Fact]
    public void An_unanswered_message_may_be_there_or_not()
    {
        SendAcknowledged(1);
        _sender.Add(room: 0, sentTicks: 1);
        _sender.Add(room: 0, sentTicks: 1);
        ShowAll(_first, 11, 12);
        ShowAll(_second, 11, 12);

        AssertVerdict(new Verdict(0, 0, 0, 0, 0, 0, []));
    }

    [Fact]
    public void A_revision_shown_twice_is_doubled()
    {
        SendAcknowledged(2);
        ShowAll(_first, 11, 12, 12);
        ShowAll(_second, 11, 12);

        AssertVerdict(new Verdict(0, 1, 0, 0, 0, 0, []));
    }

    [Fact]
    public void One_send_that_stands_in_the_room_twice_is_doubled()
    {
        SendAcknowledged(1);
        ShowAll(_first, 11);
        ShowAll(_second, 11);
        Show(_first, Facts(rev: 12, number: 0, seq: 2));
        Show(_second, Facts(rev: 12, number: 0, seq: 2));

        // The second place is also not the one that was acknowledged.
        AssertVerdict(new Verdict(0, 1, 0, 0, 1, 0, []));
    }

    [Fact]
    public void A_revision_shown_after_one_that_follows_it_is_out_of_order()
    {
        SendAcknowledged(3);
        ShowAll(_first, 11, 13, 12);
        ShowAll(_second, 11, 12, 13);

        AssertVerdict(new Verdict(0, 0, 1, 0, 0, 0, []));
    }

    [Fact]
    public void A_senders_messages_committed_against_the_order_of_its_calls_are_out_of_order()
    {
        Acknowledge(number: _sender.Add(0, 1), seq: 2);
        Acknowledge(number: _sender.Add(0, 1), seq: 1);
        foreach (var view in new[] { _first, _second })
        {
            Show(view, Facts(rev: 11, number: 1, seq: 1));
            Show(view, Facts(rev: 12, number: 0, seq: 2));
        }

        AssertVerdict(new Verdict(0, 0, 1, 0, 0, 0, []));
    }

    [Fact]
    public void A_message_called_again_after_a_refusal_may_stand_behind_later_ones()
    {
        Acknowledge(number: _sender.Add(0, 1), seq: 2);
        Acknowledge(number: _sender.Add(0, 1), seq: 1);
        _sender.CallAgain(0);
        foreach (var view in new[] { _first, _second })
        {
            Show(view, Facts(rev: 11, number: 1, seq: 1));
            Show(view, Facts(rev: 12, number: 0, seq: 2));
        }

        AssertVerdict(new Verdict(0, 0, 0, 0, 0, 0, []));
    }

    [Fact]
    public void A_revision_that_one_client_was_never_shown_is_a_hole()
    {
        SendAcknowledged(4);
        ShowAll(_first, 11, 14);
        ShowAll(_second, 11, 12, 13, 14);

        AssertVerdict(new Verdict(0, 0, 0, 2, 0, 0, []));
    }

    [Fact]
    public void A_page_that_ends_before_the_revision_it_claims_is_a_hole()
    {
        SendAcknowledged(3);
        ShowAll(_first, 11, 12);
        _first.EndOfPage(13);
        ShowAll(_second, 11, 12, 13);

        AssertVerdict(new Verdict(0, 0, 0, 1, 0, 0, []));
    }

    [Fact]
    public void A_sequence_number_left_out_is_a_hole()
    {
        Acknowledge(number: _sender.Add(0, 1), seq: 1);
        Acknowledge(number: _sender.Add(0, 1), seq: 3, rev: 12);
        foreach (var view in new[] { _first, _second })
        {
            Show(view, Facts(rev: 11, number: 0, seq: 1));
            Show(view, Facts(rev: 12, number: 1, seq: 3));
        }

        AssertVerdict(new Verdict(0, 0, 0, 1, 0, 0, []));
    }

    [Fact]
    public void Two_clients_that_see_different_messages_at_one_revision_differ()
    {
        SendAcknowledged(2);
        ShowAll(_first, 11, 12);
        ShowAll(_second, 11);
        Show(_second, Facts(rev: 12, number: 1, seq: 2) with { Digest = 999 });

        AssertVerdict(new Verdict(0, 0, 0, 0, 1, 0, []));
    }

    [Fact]
    public void Two_clients_that_see_two_messages_in_different_order_differ()
    {
        SendAcknowledged(2);
        ShowAll(_first, 11, 12);
        Show(_second, Facts(rev: 11, number: 1, seq: 1));
        Show(_second, Facts(rev: 12, number: 0, seq: 2));

        AssertVerdict(new Verdict(0, 0, 0, 0, 2, 0, []));
    }

    [Fact]
    public void A_message_that_does_not_stand_where_it_was_acknowledged_differs()
    {
        Acknowledge(number: _sender.Add(0, 1), seq: 7);
        ShowAll(_first, 11);
        ShowAll(_second, 11);

        AssertVerdict(new Verdict(0, 0, 0, 0, 1, 0, []));
    }

    [Fact]
    public void A_message_that_nobody_sent_is_a_phantom()
    {
        var stranger = new MessageFacts(11, 1, MessageFacts.Stranger, 0, 5);
        Show(_first, stranger);
        Show(_second, stranger);

        AssertVerdict(new Verdict(0, 0, 0, 0, 0, 1, []));
    }

    [Fact]
    public void A_message_with_a_number_that_was_never_sent_is_a_phantom()
    {
        Show(_first, Facts(rev: 11, number: 77, seq: 1));
        Show(_second, Facts(rev: 11, number: 77, seq: 1));

        AssertVerdict(new Verdict(0, 0, 0, 0, 0, 1, []));
    }

    [Fact]
    public void A_refused_message_that_is_shown_is_a_phantom()
    {
        _sender.Refuse(_sender.Add(0, 1));
        ShowAll(_first, 11);
        ShowAll(_second, 11);

        AssertVerdict(new Verdict(0, 0, 0, 0, 0, 1, []));
    }

    [Fact]
    public void A_message_in_a_room_to_which_it_was_not_sent_is_a_phantom()
    {
        Acknowledge(number: _sender.Add(room: 5, 1), seq: 1);
        ShowAll(_first, 11);
        ShowAll(_second, 11);

        AssertVerdict(new Verdict(0, 0, 0, 0, 0, 1, []));
    }

    [Fact]
    public void A_revision_far_beyond_all_others_is_a_phantom_and_costs_no_memory()
    {
        SendAcknowledged(1);
        ShowAll(_first, 11);
        ShowAll(_second, 11);
        _room.Observe(Facts(rev: 1L << 40, number: 0, seq: 1));

        AssertVerdict(new Verdict(0, 0, 0, 0, 0, 1, []));
    }

    [Fact]
    public void A_system_message_is_nobodys_and_is_not_missed()
    {
        SendAcknowledged(1);
        ShowAll(_first, 11);
        ShowAll(_second, 11);
        var system = new MessageFacts(12, 2, MessageFacts.System, 0, 5);
        Show(_first, system);
        Show(_second, system);

        AssertVerdict(new Verdict(0, 0, 0, 0, 0, 0, []));
    }

    [Fact]
    public void A_history_that_holds_everything_is_clean()
    {
        SendAcknowledged(2);
        ShowAll(_first, 11, 12);
        ShowAll(_second, 11, 12);
        ReadHistory(12, 11);

        AssertVerdict(new Verdict(0, 0, 0, 0, 0, 0, []));
    }

    [Fact]
    public void An_acknowledged_message_that_the_history_does_not_hold_is_missing()
    {
        SendAcknowledged(2);
        ShowAll(_first, 11, 12);
        ShowAll(_second, 11, 12);
        ReadHistory(12);

        AssertVerdict(new Verdict(1, 0, 0, 0, 0, 0, []));
    }

    [Fact]
    public void A_message_that_was_shown_and_is_not_in_the_history_is_a_phantom()
    {
        _sender.Add(0, 1);
        ShowAll(_first, 11);
        ShowAll(_second, 11);
        _room.HistoryWasRead();

        AssertVerdict(new Verdict(0, 0, 0, 0, 0, 1, []));
    }

    [Fact]
    public void A_history_that_differs_from_what_was_shown_differs()
    {
        SendAcknowledged(1);
        ShowAll(_first, 11);
        ShowAll(_second, 11);
        _room.ObserveInHistory(Facts(rev: 11, number: 0, seq: 1) with { Digest = 999 });

        AssertVerdict(new Verdict(0, 0, 0, 0, 1, 0, []));
    }

    [Fact]
    public void A_history_that_holds_a_message_twice_is_doubled()
    {
        SendAcknowledged(1);
        ShowAll(_first, 11);
        ShowAll(_second, 11);
        ReadHistory(11, 11);

        AssertVerdict(new Verdict(0, 1, 0, 0, 0, 0, []));
    }

    [Fact]
    public void Without_order_only_the_number_of_messages_counts()
    {
        var checker = new Checker(ordered: false);
        var sender = checker.AddSender();
        var room = checker.AddRoom(0, "bare", 0);
        var whole = checker.AddView(room, 0);
        var part = checker.AddView(room, 1);
        whole.Start(0);
        part.Start(0);
        for (var rev = 3; rev >= 1; rev--)
        {
            sender.Add(0, 1);
            room.Observe(Facts(rev, rev - 1, rev));
            whole.Advance(rev, rev, 1);
        }

        part.Advance(1, 1, 1);

        var verdict = checker.Conclude();

        Assert.Equal((2, 0, 0), (verdict.Missing, verdict.Doubled, verdict.OutOfOrder));
    }

    private static MessageFacts Facts(long rev, int number, long seq) => new(rev, seq, Sender: 0, number, Digest: (ulong)(1_000 + number));

    /// <summary>Sends and acknowledges messages 0, 1, … as seq 1, 2, … at rev 11, 12, ….</summary>
    private void SendAcknowledged(int count)
    {
        for (var sent = 0; sent < count; sent++)
        {
            Acknowledge(_sender.Add(room: 0, sentTicks: 1), seq: sent + 1);
        }
    }

    private void Acknowledge(int number, long seq, long? rev = null) => _sender.Acknowledge(number, seq, rev ?? (10 + seq));

    private void ShowAll(RoomView view, params long[] revs)
    {
        foreach (var rev in revs)
        {
            Show(view, Facts(rev, (int)(rev - 11), rev - 10));
        }
    }

    private void Show(RoomView view, MessageFacts facts)
    {
        _room.Observe(facts);
        view.Advance(facts.Rev, facts.Rev, 1);
    }

    private void ReadHistory(params long[] revs)
    {
        foreach (var rev in revs)
        {
            _room.ObserveInHistory(Facts(rev, (int)(rev - 11), rev - 10));
        }

        _room.HistoryWasRead();
    }

    private void AssertVerdict(Verdict expected)
    {
        var verdict = _checker.Conclude();
        Assert.True(
            expected with { Examples = verdict.Examples } == verdict,
            $"expected {expected}{Environment.NewLine}found {verdict}{Environment.NewLine}{string.Join(Environment.NewLine, verdict.Examples)}");
        Assert.Equal(verdict.IsClean, verdict.Examples.Count == 0);
    }
}
