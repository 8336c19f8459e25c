using System.Text;
using System.Threading.Channels;

namespace DChat.Terminal.Screen;

/// <summary>The terminal that the program was started in. Whatever ends the program, it is given back as it was; only <c>kill -9</c> leaves no time for that.</summary>
internal sealed class SystemTerminal : ITerminal
{
    /// <summary>For terminals that do not tell (Windows, and where the signal is lost).</summary>
    private static readonly TimeSpan SizePolling = TimeSpan.FromSeconds(1);

    /// <summary>How long a dying program waits for a frame that is being written.</summary>
    private static readonly TimeSpan LastWrite = TimeSpan.FromMilliseconds(500);

    private static readonly Size Fallback = new(80, 24);

    /// <summary>Bytes read at once.</summary>
    private const int ReadSize = 16 * 1024;

    /// <summary>Reads that nobody has looked at; then the terminal waits.</summary>
    private const int MaxArrivals = 256;

    private readonly IConsoleDevice _device;
    private readonly bool _plain;
    private readonly Channel<Arrival> _arrivals = Channel.CreateBounded<Arrival>(MaxArrivals);
    private readonly InputReader _reader;
    private readonly FrameWriter _frames = new();
    private readonly Lock _gate = new();
    private readonly TerminalSignals _signals;
    private readonly ITimer _polling;
    private string? _title;
    private bool _mouse = true;
    private bool _shown;
    private bool _closed;

    private SystemTerminal(IConsoleDevice device, TerminalAbilities abilities, bool plain, TimeProvider time)
    {
        (_device, Abilities, _plain) = (device, abilities, plain);
        _reader = new InputReader(_arrivals.Reader, time);
        Size = device.GetSize() ?? Fallback;
        _signals = new TerminalSignals(this);
        _polling = time.CreateTimer(_ => CheckSize(), null, SizePolling, SizePolling);
        Enter();
        new Thread(ReadInput) { IsBackground = true, Name = "terminal input" }.Start();
    }

    public Size Size { get; private set; }

    public TerminalAbilities Abilities { get; private set; }

    /// <summary>Whether there is a person at a terminal to show a screen to.</summary>
    public static bool IsAvailable => OpenDevice().IsInteractive && Environment.GetEnvironmentVariable("TERM") != "dumb";

    /// <summary>Takes the screen over.</summary>
    /// <exception cref="InvalidOperationException">Input or output is no terminal.</exception>
    public static SystemTerminal Open(TimeProvider time)
    {
        var device = OpenDevice();
        if (!device.IsInteractive)
        {
            throw new InvalidOperationException("Standard input and output are no terminal.");
        }

        var abilities = AbilityDetection.Detect(Environment.GetEnvironmentVariable, OperatingSystem.IsWindows());
        return new SystemTerminal(device, abilities, AbilityDetection.IsPlain(Environment.GetEnvironmentVariable("TERM")), time);
    }

    public async IAsyncEnumerable<InputEvent> ReadAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var happened in _reader.ReadAsync(cancel))
        {
            if (happened is not BackgroundReported background)
            {
                yield return happened;
            }
            else if (background.Shade != Abilities.Background)
            {
                Abilities = Abilities with { Background = background.Shade };
                yield return new AbilitiesChanged(Abilities);
            }
        }
    }

    public void Draw(CellBuffer frame)
    {
        lock (_gate)
        {
            if (_shown)
            {
                Write(_frames.Write(frame, Abilities).Span);
            }
        }
    }

    public void Forget()
    {
        lock (_gate)
        {
            _frames.Forget();
        }
    }

    public void Bell() => Say(Ansi.Bell);

    public void Notify(string title, string body, NotificationKind kind) => SayUnlessPlain(Ansi.Notification(title, body, kind));

    public void CopyToClipboard(string text) => SayUnlessPlain(Ansi.Clipboard(text));

    public void SetTitle(string title)
    {
        lock (_gate)
        {
            _title = title;
            SayUnlessPlain(Ansi.Title(title));
        }
    }

    public void ReportMouse(bool on)
    {
        _mouse = on;
        Say(on ? Ansi.ReportMouse : Ansi.IgnoreMouse);
    }

    public void Suspend()
    {
        Leave();
        if (!_device.Stop())
        {
            Enter();
            Redraw();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _signals.Dispose();
        await _polling.DisposeAsync();
        Close();
    }

    /// <summary>Takes the screen again after the program was stopped, by whichever way.</summary>
    internal void Resume()
    {
        Enter();
        Redraw();
    }

    /// <summary>Gives the terminal back for good. May be called from any thread, also while a frame is being written.</summary>
    internal void Close()
    {
        var entered = _gate.TryEnter(LastWrite);
        try
        {
            if (!_closed)
            {
                GiveBack();
                _closed = true;
            }
        }
        finally
        {
            if (entered)
            {
                _gate.Exit();
            }
        }

        _arrivals.Writer.TryComplete();
    }

    internal void CheckSize()
    {
        if (_device.GetSize() is { } size && size != Size)
        {
            Size = size;
            Redraw();
        }
    }

    private static IConsoleDevice OpenDevice() => OperatingSystem.IsWindows() ? new WindowsConsole() : new UnixConsole();

    private void Enter()
    {
        lock (_gate)
        {
            if (_closed)
            {
                return;
            }

            _device.MakeRaw();
            _shown = true;
            _frames.Forget();
            Write(Encoding.UTF8.GetBytes(Ansi.Enter(_mouse, _plain)));
            if (_title is { } title)
            {
                SayUnlessPlain(Ansi.Title(title));
            }
        }
    }

    private void Leave()
    {
        lock (_gate)
        {
            GiveBack();
        }
    }

    private void GiveBack()
    {
        if (_shown)
        {
            _shown = false;
            _device.Write(Encoding.UTF8.GetBytes(Ansi.Leave(_plain)));
            _device.Restore();
        }
    }

    private void Redraw()
    {
        Size = _device.GetSize() ?? Size;
        Post(new Arrival(default, new Resized(Size)));
    }

    /// <summary>Waits for its place.</summary>
    private void Post(Arrival arrival)
    {
        while (!_arrivals.Writer.TryWrite(arrival) && _arrivals.Writer.WaitToWriteAsync().AsTask().GetAwaiter().GetResult())
        {
        }
    }

    private void SayUnlessPlain(string sequence)
    {
        if (!_plain)
        {
            Say(sequence);
        }
    }

    private void Say(string sequence)
    {
        lock (_gate)
        {
            if (_shown)
            {
                Write(Encoding.UTF8.GetBytes(sequence));
            }
        }
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        if (!_device.Write(bytes))
        {
            _shown = false;
            _arrivals.Writer.TryComplete();
        }
    }

    private void ReadInput()
    {
        var buffer = new byte[ReadSize];
        while (_device.Read(buffer) is var count and > 0)
        {
            Post(new Arrival(buffer.AsSpan(0, count).ToArray(), null));
        }

        _arrivals.Writer.TryComplete();
    }
}
