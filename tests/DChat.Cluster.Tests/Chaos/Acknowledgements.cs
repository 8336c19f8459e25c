using System.Globalization;

namespace DChat.Cluster.Tests.Chaos;

/// <summary>What <c>dchat load --ack-log</c> has written so far: when sends of each room were due, and when they were acknowledged.</summary>
internal sealed class Acknowledgements(string path) : IDisposable
{
    private readonly Dictionary<string, List<Ack>> _rooms = new(StringComparer.Ordinal);
    private StreamReader? _file;
    private string _begun = "";

    /// <param name="DueMs">Unix milliseconds.</param>
    /// <param name="AckedMs">Unix milliseconds.</param>
    public readonly record struct Ack(long DueMs, long AckedMs);

    public IReadOnlyCollection<string> Rooms => _rooms.Keys;

    public int Count => _rooms.Values.Sum(acks => acks.Count);

    /// <summary>Reads what was written since the last time.</summary>
    public void Read()
    {
        if (_file is null && !File.Exists(path))
        {
            return;
        }

        _file ??= new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        var lines = (_begun + _file.ReadToEnd()).Split('\n');
        _begun = lines[^1];
        foreach (var line in lines.AsSpan(..^1))
        {
            var parts = line.Split(' ');
            if (!_rooms.TryGetValue(parts[0], out var acks))
            {
                _rooms[parts[0]] = acks = [];
            }

            acks.Add(new Ack(long.Parse(parts[1], CultureInfo.InvariantCulture), long.Parse(parts[2], CultureInfo.InvariantCulture)));
        }
    }

    /// <summary>Whether something that was due after a moment is acknowledged in a room.</summary>
    public bool Answers(string room, long sinceMs)
    {
        var acks = _rooms[room];
        for (var at = acks.Count - 1; at >= 0 && acks[at].AckedMs >= sinceMs; at--)
        {
            if (acks[at].DueMs >= sinceMs)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The longest time in which nothing was acknowledged in a room, of those that began or lasted between two moments, in milliseconds.</summary>
    public long LongestPause(string room, long fromMs, long toMs)
    {
        var (before, longest) = (fromMs, 0L);
        foreach (var ack in _rooms[room])
        {
            if (ack.AckedMs > fromMs && before <= toMs)
            {
                longest = Math.Max(longest, ack.AckedMs - before);
            }

            before = Math.Max(before, ack.AckedMs);
        }

        return longest;
    }

    public void Dispose() => _file?.Dispose();
}
