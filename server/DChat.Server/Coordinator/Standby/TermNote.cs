using System.Globalization;

namespace DChat.Server.Coordinator.Standby;

/// <summary>The latest term in which this node led, kept in its folder. A note that is missing or old costs the wait for a lease, and nothing else.</summary>
/// <param name="path">Null: nothing is kept.</param>
internal sealed class TermNote(string? path)
{
    private readonly Lock _lock = new();
    private long _latest;
    private bool _isWriting;
    private Task _writing = Task.CompletedTask;

    /// <summary>What is written now, if anything is.</summary>
    public Task Writing => Volatile.Read(ref _writing);

    /// <summary>0: none is known.</summary>
    public long Read()
    {
        try
        {
            return path is not null && long.TryParse(File.ReadAllText(path), NumberStyles.None, CultureInfo.InvariantCulture, out var term) ? term : 0;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    /// <summary>Nobody waits for it: a disk may hang.</summary>
    public void Write(long term)
    {
        lock (_lock)
        {
            _latest = term;
            if (path is not null && !_isWriting)
            {
                _isWriting = true;
                Volatile.Write(ref _writing, OwnThread.RunAsync(WriteLatest));
            }
        }
    }

    private void WriteLatest()
    {
        for (var written = 0L; ;)
        {
            lock (_lock)
            {
                if (written == _latest)
                {
                    _isWriting = false;
                    return;
                }

                written = _latest;
            }

            try
            {
                File.WriteAllText(path!, written.ToString(CultureInfo.InvariantCulture));
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // The note of before names a term that is over.
            }
        }
    }
}
