using System.Text;
using System.Threading.Channels;
using DChat.Terminal.Screen;
using DChat.TestKit;

namespace DChat.Terminal.Tests.Screen;

public sealed class InputReaderTests : IAsyncDisposable
{
    private readonly Channel<Arrival> arrivals = Channel.CreateUnbounded<Arrival>();
    private readonly ManualTimers time = new();
    private readonly List<InputEvent> events = [];
    private readonly CancellationTokenSource stop = new();
    private readonly Task reading;

    public InputReaderTests() => reading = ReadAsync();

    [Fact]
    public async Task An_escape_alone_is_a_key_after_a_pause()
    {
        Arrive("\e");
        await Eventually.Holds(() => time.Waiting == 1);
        Assert.Empty(events);
        time.Pass();
        await Eventually.Holds(() => Seen() == "Escape");
        Arrive("[A");
        await Eventually.Holds(() => Seen() == "Escape [ A");
    }

    [Fact]
    public async Task What_follows_within_the_pause_makes_it_a_sequence()
    {
        Arrive("\e");
        await Eventually.Holds(() => time.Waiting == 1);
        Arrive("[A");
        await Eventually.Holds(() => Seen() == "Up");
        await Eventually.Holds(() => time.Waiting == 0);
    }

    [Fact]
    public async Task Other_events_keep_their_place_and_the_end_is_the_end()
    {
        Arrive("a");
        arrivals.Writer.TryWrite(new Arrival(default, new Resized(new Size(1, 2))));
        Arrive("b");
        arrivals.Writer.Complete();
        await reading.Within();
        Assert.Equal($"a {new Resized(new Size(1, 2))} b", Seen());
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await reading.ContinueWith(_ => { }, TaskScheduler.Default).Within();
        stop.Dispose();
    }

    private void Arrive(string bytes) => arrivals.Writer.TryWrite(new Arrival(Encoding.UTF8.GetBytes(bytes), null));

    private string Seen()
    {
        lock (events)
        {
            return InputDecoderTests.Describe(events);
        }
    }

    private async Task ReadAsync()
    {
        await foreach (var happened in new InputReader(arrivals.Reader, time).ReadAsync(stop.Token))
        {
            lock (events)
            {
                events.Add(happened);
            }
        }
    }

    /// <summary>Timers that fire when the test says so.</summary>
    private sealed class ManualTimers : TimeProvider
    {
        private readonly List<ManualTimer> timers = [];

        public int Waiting
        {
            get
            {
                lock (timers)
                {
                    return timers.Count;
                }
            }
        }

        public void Pass()
        {
            ManualTimer[] due;
            lock (timers)
            {
                due = [.. timers];
            }

            Array.ForEach(due, timer => timer.Fire());
        }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = new ManualTimer(this, () => callback(state));
            lock (timers)
            {
                timers.Add(timer);
            }

            return timer;
        }

        private void Remove(ManualTimer timer)
        {
            lock (timers)
            {
                timers.Remove(timer);
            }
        }

        private sealed class ManualTimer(ManualTimers owner, Action fire) : ITimer
        {
            public void Fire() => fire();

            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose() => owner.Remove(this);

            public ValueTask DisposeAsync()
            {
                owner.Remove(this);
                return ValueTask.CompletedTask;
            }
        }
    }
}
