using System.Threading.Channels;
using DChat.Client;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>
/// The loop: takes what happens, one at a time, into the model, does what it asks for, and draws. What a key does is
/// drawn at once; what others do is gathered for up to <see cref="FrameEvery"/>, so that a thousand messages a second
/// cost thirty frames.
/// </summary>
internal sealed class UiShell(ITerminal terminal, TimeProvider time)
{
    private static readonly TimeSpan FrameEvery = TimeSpan.FromMilliseconds(33);
    private static readonly TimeSpan TickEvery = TimeSpan.FromSeconds(1);

    /// <summary>Events between two looks at whether to draw.</summary>
    private const int BatchMax = 256;

    private readonly Channel<UiEvent?> events = Channel.CreateUnbounded<UiEvent?>(new UnboundedChannelOptions { SingleReader = true });
    private Model model = null!;
    private bool feedWaits;
    private bool dirty;
    private bool urgent;

    /// <summary>The state at this moment, for measurements.</summary>
    internal Model Model => model;

    /// <summary>What happens, from any thread.</summary>
    public void Tell(UiEvent happened) => events.Writer.TryWrite(happened);

    /// <summary>There is something to take from the feed.</summary>
    public void Wake() => events.Writer.TryWrite(null);

    /// <summary>Until somebody quits, or the terminal is gone.</summary>
    public async Task RunAsync(Model first, EffectRunner runner, IEnumerable<Effect> begin, CancellationToken cancel)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        model = first;
        Draw();
        foreach (var effect in begin)
        {
            runner.Run(effect);
        }

        var reading = ReadAsync(stop.Token);
        var ticking = TickAsync(stop.Token);
        try
        {
            await LoopAsync(runner, reading, stop.Token);
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(reading, ticking).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task LoopAsync(EffectRunner runner, Task reading, CancellationToken cancel)
    {
        var drawnAt = time.GetTimestamp();
        Task<bool>? more = null;
        while (!runner.QuitAsked && !reading.IsCompleted)
        {
            more ??= events.Reader.WaitToReadAsync(cancel).AsTask();
            var left = FrameEvery - time.GetElapsedTime(drawnAt);
            if (!more.IsCompleted && (dirty || feedWaits) && left > TimeSpan.Zero)
            {
                await Task.WhenAny(more, Task.Delay(left, time, cancel), reading);
            }
            else if (!more.IsCompleted && !dirty && !feedWaits)
            {
                await Task.WhenAny(more, reading);
            }

            if (more.IsCompleted)
            {
                more = null;
                TakeEvents(runner);
            }

            var isTime = time.GetElapsedTime(drawnAt) >= FrameEvery;
            if (feedWaits && isTime)
            {
                feedWaits = false;
                TakeFeed(runner);
            }

            if (dirty && (urgent || isTime))
            {
                Draw(runner);
                drawnAt = time.GetTimestamp();
            }
        }

        await (reading.IsFaulted ? reading : Task.CompletedTask);
    }

    private void TakeEvents(EffectRunner runner)
    {
        for (var i = 0; i < BatchMax && events.Reader.TryRead(out var happened); i++)
        {
            if (happened is null)
            {
                feedWaits = true;
                continue;
            }

            urgent |= happened is UiEvent.Input;
            Take(happened, runner);
        }
    }

    private void Take(UiEvent happened, EffectRunner runner)
    {
        var (next, effects) = Update.Apply(happened is UiEvent.Input ? model with { Now = time.GetUtcNow() } : model, happened);
        dirty |= !ReferenceEquals(next, model);
        model = next;
        foreach (var effect in effects)
        {
            runner.Run(effect);
        }

        if (effects.Any(effect => effect is Effect.Send))
        {
            // The next key finds what was sent on its way.
            TakeFeed(runner);
        }

        dirty |= runner.RedrawAsked;
    }

    private void TakeFeed(EffectRunner runner)
    {
        foreach (var happened in runner.TakeFeed())
        {
            Take(happened, runner);
        }
    }

    private void Draw(EffectRunner? runner = null)
    {
        if (runner is { RedrawAsked: true })
        {
            terminal.Forget();
            runner.RedrawAsked = false;
        }

        var frame = new CellBuffer(model.Size);
        View.Draw(model, frame.Canvas);
        terminal.Draw(frame);
        (dirty, urgent) = (false, false);
    }

    private async Task ReadAsync(CancellationToken cancel)
    {
        await foreach (var input in terminal.ReadAsync(cancel))
        {
            Tell(new UiEvent.Input(input));
        }
    }

    private async Task TickAsync(CancellationToken cancel)
    {
        using var timer = new PeriodicTimer(TickEvery, time);
        while (await timer.WaitForNextTickAsync(cancel))
        {
            Tell(new UiEvent.Tick(time.GetUtcNow()));
        }
    }
}
