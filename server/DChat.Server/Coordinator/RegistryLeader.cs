using System.Threading.Channels;
using DChat.Core.ControlLog;
using DChat.Core.Registry;
using DChat.Core.Rooms;

namespace DChat.Server.Coordinator;

/// <summary>How a term ended.</summary>
internal enum TermEnd
{
    /// <summary>On request; everything that was accepted is answered.</summary>
    Stopped,

    /// <summary>Another leads, or may: what was not committed is answered <c>unavailable</c>.</summary>
    Lost,
}

/// <summary>
/// Decides commands for one term of leadership: everything that waits is decided on a speculative head and becomes as few log entries
/// as fit; they are appended one after the other with the term as fence, applied when committed, and only then answered.
/// </summary>
/// <remarks>
/// Invariants: the head is the committed state plus the drafts not yet appended; an answer, a refusal included, is given only when every
/// entry that the head held when it was decided is committed, and the term led after it was decided (what a deposed leader that does not know
/// it refuses, another may have allowed); what was refused, or changed nothing, is answered so when it comes again; after an append of unknown outcome nothing but the identical append follows.
/// </remarks>
internal sealed partial class RegistryLeader : IRegistryCommands
{
    /// <summary>Commands decided ahead of the log at most; the next are decided when these are committed.</summary>
    private const int DecidedAheadMax = 4_096;

    private static readonly TimeSpan RetryFirst = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan RetryLongest = TimeSpan.FromSeconds(1);

    private readonly IControlLog _log;
    private readonly RegistryReplica _replica;
    private readonly NewRoomPlacement _placement;
    private readonly CoordinatorOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly long _term;
    private readonly Channel<PendingCommand> _queue;
    private readonly UnloggedOutcomes _unlogged;
    private RegistryState _head;

    /// <param name="replica">Caught up with the log's end, and written by nobody else while the term lasts.</param>
    public RegistryLeader(long term, IControlLog log, RegistryReplica replica, CoordinatorOptions options, NewRoomPlacement placement, TimeProvider time, ILogger logger)
    {
        (_term, _log, _replica, _options, _placement, _time, _logger) = (term, log, replica, options, placement, time, logger);
        _queue = Channel.CreateBounded<PendingCommand>(new BoundedChannelOptions(options.QueueMax) { SingleReader = true });
        _unlogged = new UnloggedOutcomes(time);
        _head = replica.State;
    }

    /// <summary>Commands that wait to be decided.</summary>
    public int Queued => _queue.Reader.Count;

    public async Task<CommandResult> SubmitAsync(Command command, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var pending = new PendingCommand(command, cancellation);
        if (!_queue.Writer.TryWrite(pending))
        {
            return PendingCommand.Unavailable(_replica.Index);
        }

        try
        {
            return await pending.Answer.WaitAsync(_options.CommandTimeout, _time, cancellation);
        }
        catch (TimeoutException)
        {
            pending.GiveUp();
            return PendingCommand.Unavailable(_replica.Index);
        }
    }

    /// <summary>Works until the term is lost or, having answered everything that waits, until <paramref name="stop"/>.</summary>
    /// <exception cref="ControlLogRefusedException">The log does not take an entry: nothing can follow it in this term.</exception>
    public async Task<TermEnd> RunAsync(CancellationToken lost, CancellationToken stop)
    {
        await using var stopping = stop.Register(() => _queue.Writer.TryComplete());
        try
        {
            while (await _queue.Reader.WaitToReadAsync(lost))
            {
                if (!await AnswerAsync(DecideWaiting(), lost))
                {
                    return TermEnd.Lost;
                }
            }

            return TermEnd.Stopped;
        }
        catch (OperationCanceledException) when (lost.IsCancellationRequested)
        {
            return TermEnd.Lost;
        }
        finally
        {
            _queue.Writer.TryComplete();
            while (_queue.Reader.TryRead(out var pending))
            {
                pending.Complete(PendingCommand.Unavailable(_replica.Index));
            }
        }
    }

    /// <summary>Asks the log, until it answers: this node's own clock does not know of a leadership that was taken from it.</summary>
    public async Task<bool> StillLeadsAsync(CancellationToken lost)
    {
        for (var wait = RetryFirst; ; wait = wait * 2 > RetryLongest ? RetryLongest : wait * 2)
        {
            try
            {
                return (await _log.ReadLeaderAsync(lost))?.Term == _term;
            }
            catch (ControlLogUnavailableException)
            {
                await Task.Delay(wait, _time, lost);
            }
        }
    }

    private Decided DecideWaiting()
    {
        var made = new Decided([], []);
        for (var decided = 0; decided < DecidedAheadMax && _queue.Reader.TryRead(out var pending); decided++)
        {
            if (!pending.IsGivenUp)
            {
                Decide(pending, made);
            }
        }

        return made;
    }

    private void Decide(PendingCommand pending, Decided made)
    {
        var outcome = TryDecide(pending.Command, made.Drafts);
        if (made.Drafts.Count > 0)
        {
            made.Drafts[^1].AnswerLater(pending, outcome);
        }
        else
        {
            made.Unlogged.Add((pending, outcome));
        }
    }

    /// <returns>False when the term is lost.</returns>
    private async Task<bool> AnswerAsync(Decided made, CancellationToken lost)
    {
        var index = _replica.Index; // Upon which what is not logged was decided.
        var leads = false;
        try
        {
            return leads = await CommitAsync(made.Drafts, lost) && (made.Drafts.Count > 0 || made.Unlogged.Count == 0 || await StillLeadsAsync(lost));
        }
        finally
        {
            foreach (var (pending, outcome) in made.Unlogged)
            {
                pending.Complete(leads ? new CommandResult(index, outcome) : PendingCommand.Unavailable(index));
            }
        }
    }

    private Outcome TryDecide(Command command, List<EntryDraft> drafts)
    {
        try
        {
            var decision = RegistryMachine.Decide(_head, _placement.Place(_head, command), _options.Limits);
            if (!decision.Repeat && _unlogged.Find(command) is { } first)
            {
                return first;
            }

            var outcome = decision.Record is { } record ? Draft(record, drafts) ?? decision.Outcome : decision.Outcome;
            if (!decision.Repeat && (decision.Record is null || !outcome.IsOk))
            {
                _unlogged.Note(command, outcome);
            }

            return outcome;
        }
        catch (Exception error)
        {
            // Deciding is pure and the head was not replaced, so nothing is half done; and one odd command must not stop everybody's.
            Log.Undecidable(_logger, command.GetType().Name, error);
            return Outcome.Refused(RefusalCodes.InvalidArgument, "the command cannot be decided");
        }
    }

    /// <returns>A refusal, or null.</returns>
    private Outcome? Draft(RegistryRecord record, List<EntryDraft> drafts)
    {
        if (record.EncodedSize > EntryDraft.RecordBytesMax)
        {
            return Outcome.Refused(RefusalCodes.TooLarge, "the change does not fit into one log entry; split it");
        }

        var draft = drafts.Count > 0 && drafts[^1].Fits(record) ? drafts[^1] : new EntryDraft(_replica.State.Index + drafts.Count + 1);
        var after = RegistryMachine.Apply(_head, draft.Index, record);
        if (drafts.Count == 0 || drafts[^1] != draft)
        {
            drafts.Add(draft);
        }

        draft.Add(record, after);
        _head = after;
        return null;
    }

    /// <returns>False when the term is lost.</returns>
    private async Task<bool> CommitAsync(List<EntryDraft> drafts, CancellationToken lost)
    {
        var committed = 0;
        try
        {
            for (; committed < drafts.Count; committed++)
            {
                var draft = drafts[committed];
                var entry = draft.ToEntry(_time.GetUtcNow().ToUnixTimeMilliseconds());
                var outcome = await AppendUntilKnownAsync(draft.Index, RegistryEntryCodec.Encode(entry), lost);
                if (outcome != AppendOutcome.Committed)
                {
                    Log.Refused(_logger, draft.Index, _term, outcome);
                    return false;
                }

                _replica.Advance(draft.After, entry);
                AuditLog.Write(_logger, draft.Index, entry);
                draft.Answer();
            }

            return true;
        }
        finally
        {
            foreach (var draft in drafts[committed..])
            {
                draft.Discard(_replica.Index);
            }
        }
    }

    private async Task<AppendOutcome> AppendUntilKnownAsync(long index, byte[] payload, CancellationToken lost)
    {
        for (var wait = RetryFirst; ; wait = wait * 2 > RetryLongest ? RetryLongest : wait * 2)
        {
            lost.ThrowIfCancellationRequested();
            try
            {
                return await _log.AppendAsync(_term, index, payload, lost);
            }
            catch (ControlLogUnavailableException error)
            {
                Log.Uncertain(_logger, index, wait.TotalMilliseconds, error.Message);
            }

            await Task.Delay(wait, _time, lost);
        }
    }

    /// <param name="Drafts">Entries to be committed, and who is answered then.</param>
    /// <param name="Unlogged">What was decided upon the committed state and changes nothing.</param>
    private sealed record Decided(List<EntryDraft> Drafts, List<(PendingCommand Command, Outcome Outcome)> Unlogged);

    private static partial class Log
    {
        [LoggerMessage(EventId = 2000, Level = LogLevel.Error, Message = "A {Command} command could not be decided and was refused")]
        public static partial void Undecidable(ILogger logger, string command, Exception error);

        [LoggerMessage(EventId = 2001, Level = LogLevel.Warning, Message = "Entry {Index} was refused in term {Term}: {Outcome}. This coordinator leads no more")]
        public static partial void Refused(ILogger logger, long index, long term, AppendOutcome outcome);

        [LoggerMessage(EventId = 2002, Level = LogLevel.Warning, Message = "Whether entry {Index} is committed is unknown; it is repeated in {WaitMs} ms: {Reason}")]
        public static partial void Uncertain(ILogger logger, long index, double waitMs, string reason);
    }
}
