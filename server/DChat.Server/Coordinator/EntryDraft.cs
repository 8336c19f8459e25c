using DChat.Core.ControlLog;
using DChat.Core.Registry;

namespace DChat.Server.Coordinator;

/// <summary>A log entry in the making, and whoever is answered when it is committed.</summary>
internal sealed class EntryDraft(long index)
{
    /// <summary>Bytes for the records of one entry.</summary>
    public const int RecordBytesMax = ControlLogLimits.EntryBytesMax - RegistryEntryCodec.EntryOverhead;

    private readonly List<RegistryRecord> _records = [];
    private readonly List<(PendingCommand Command, Outcome Outcome)> _answers = [];
    private int _bytes;

    public long Index => index;

    /// <summary>After the records so far.</summary>
    public RegistryState After { get; private set; } = RegistryState.Empty;

    public bool Fits(RegistryRecord record) => _bytes + record.EncodedSize <= RecordBytesMax;

    public void Add(RegistryRecord record, RegistryState after)
    {
        _records.Add(record);
        _bytes += record.EncodedSize;
        After = after;
    }

    /// <summary>The outcome was decided upon this entry, or stands in it: it is answered when the entry is committed.</summary>
    public void AnswerLater(PendingCommand command, Outcome outcome) => _answers.Add((command, outcome));

    public RegistryEntry ToEntry(long at) => new(RegistryEntryCodec.Version, at, _records);

    public void Answer()
    {
        foreach (var (command, outcome) in _answers)
        {
            command.Complete(new CommandResult(index, outcome));
        }
    }

    public void Discard(long committed)
    {
        foreach (var (command, _) in _answers)
        {
            command.Complete(PendingCommand.Unavailable(committed));
        }
    }
}
