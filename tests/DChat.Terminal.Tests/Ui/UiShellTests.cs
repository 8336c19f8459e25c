using System.Threading.Channels;
using DChat.TestKit;
using DChat.Terminal.Invocation;
using DChat.Terminal.Screen;
using DChat.Terminal.Ui;

namespace DChat.Terminal.Tests.Ui;

/// <summary>The loop between the terminal and the model.</summary>
public sealed class UiShellTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_flood_is_drawn_in_few_frames_and_a_key_after_it_is_drawn()
    {
        const int Flood = 5_000;
        var terminal = new RecordingTerminal();
        var shell = new UiShell(terminal, TimeProvider.System);
        await using var runner = new EffectRunner(terminal, new SavedSessions(folder.Path), new UiSettings(), TimeProvider.System, shell.Tell, shell.Wake);
        for (var i = 1; i <= Flood; i++)
        {
            shell.Tell(new UiEvent.RoomChanged(World.Room("garden", [World.Said(i, "bob", $"message {i}")])));
        }

        var running = shell.RunAsync(World.Chat().Model, runner, [], CancellationToken.None);
        await Eventually.Holds(() => terminal.Shown.Contains($"message {Flood}", StringComparison.Ordinal));
        Assert.InRange(terminal.Frames, 1, Flood / 100);
        terminal.Press(new KeyPressed(Key.Character, KeyModifiers.None, "ß"));
        await Eventually.Holds(() => terminal.Shown.Contains("› ß", StringComparison.Ordinal));
        terminal.Press(new KeyPressed(Key.Character, KeyModifiers.Control, "q"));
        await running.Within();
    }

    [Fact]
    public async Task A_terminal_that_is_gone_ends_the_loop()
    {
        var terminal = new RecordingTerminal();
        var shell = new UiShell(terminal, TimeProvider.System);
        await using var runner = new EffectRunner(terminal, new SavedSessions(folder.Path), new UiSettings(), TimeProvider.System, shell.Tell, shell.Wake);
        var running = shell.RunAsync(World.Chat().Model, runner, [], CancellationToken.None);
        terminal.Close();
        await running.Within();
    }

    private sealed class RecordingTerminal : ITerminal
    {
        private readonly Channel<InputEvent> input = Channel.CreateUnbounded<InputEvent>();
        private volatile string shown = "";
        private int frames;

        public Size Size => new(80, 20);

        public TerminalAbilities Abilities { get; } = new(ColorDepth.TrueColor, BackgroundShade.Dark, true);

        public string Shown => shown;

        public int Frames => Volatile.Read(ref frames);

        public void Press(KeyPressed key) => input.Writer.TryWrite(key);

        public void Close() => input.Writer.Complete();

        public IAsyncEnumerable<InputEvent> ReadAsync(CancellationToken cancel) => input.Reader.ReadAllAsync(cancel);

        public void Draw(CellBuffer frame)
        {
            Interlocked.Increment(ref frames);
            shown = frame.ToText();
        }

        public void Bell()
        {
            // Nobody listens.
        }

        public void Notify(string title, string body, NotificationKind kind) => Bell();

        public void CopyToClipboard(string text) => Bell();

        public void SetTitle(string title) => Bell();

        public void ReportMouse(bool on) => Bell();

        public void Suspend() => Bell();

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
