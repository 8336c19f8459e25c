using DChat.Server.Recovery;

namespace DChat.Server.Cli.Recovery;

/// <summary>Long work on a terminal: a bar that moves; elsewhere one line for each piece of work when it is done.</summary>
internal sealed class ProgressBar(TextWriter output, TextWriter error, bool isTerminal, TimeProvider time) : IProgressReport, IDisposable
{
    private const int Cells = 24;
    private const string ClearLine = "\r\u001b[K";

    /// <summary>How often it is drawn, at most.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();
    private string? _what;
    private long _total;
    private long _done;
    private long _startedAt;
    private long _drawnAt;

    public void Begin(string what, long bytes = 0)
    {
        End();
        lock (_lock)
        {
            (_what, _total, _done, _startedAt, _drawnAt) = (what, bytes, 0, time.GetTimestamp(), 0);
            Draw();
        }
    }

    public void Add(long bytes)
    {
        lock (_lock)
        {
            _done += bytes;
            if (_drawnAt == 0 || time.GetElapsedTime(_drawnAt) >= Interval)
            {
                Draw();
            }
        }
    }

    public void End(string result = "")
    {
        lock (_lock)
        {
            if (_what is null)
            {
                return;
            }

            Clear();
            var elapsed = time.GetElapsedTime(_startedAt).TotalSeconds;
            error.WriteLine($"{_what}{(result.Length > 0 ? $": {result}" : "")} ({(_done > 0 ? $"{SizeText.Of(_done)}, " : "")}{elapsed.ToString("0.0", System.Globalization.CultureInfo.InvariantCulture)} s)");
            _what = null;
        }
    }

    public void Say(string line)
    {
        lock (_lock)
        {
            Clear();
            output.WriteLine(line);
        }
    }

    /// <summary>Work that failed leaves no bar behind.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_what is not null)
            {
                Clear();
                _what = null;
            }
        }
    }

    private void Clear()
    {
        if (isTerminal && _what is not null)
        {
            error.Write(ClearLine);
        }
    }

    private void Draw()
    {
        if (!isTerminal || _what is null)
        {
            return;
        }

        _drawnAt = time.GetTimestamp();
        var elapsed = Math.Max(0.001, time.GetElapsedTime(_startedAt).TotalSeconds);
        var share = _total > 0 ? Math.Clamp((double)_done / _total, 0, 1) : 0;
        var filled = (int)(share * Cells);
        var bar = _total > 0 ? $" [{new string('#', filled)}{new string('.', Cells - filled)}] {(int)(share * 100),3} %" : "";
        error.Write($"{ClearLine}{_what}{bar} {SizeText.Of(_done)}, {SizeText.Of((long)(_done / elapsed))}/s");
    }
}
