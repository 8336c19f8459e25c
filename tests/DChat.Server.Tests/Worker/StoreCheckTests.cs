using DChat.Server.Worker;
using DChat.TestKit;

namespace DChat.Server.Tests.Worker;

/// <summary>A worker's reports do not wait for a store that is silent, and no failure that it finds late is lost.</summary>
public sealed class StoreCheckTests
{
    private readonly HandTime _time = new();
    private readonly List<TaskCompletionSource> _checks = [];
    private bool _answers = true;

    [Fact]
    public async Task While_the_store_is_silent_a_look_says_what_was_found_last_and_when()
    {
        var check = new StoreCheck(CheckAsync, _time);
        var well = await check.LookAsync().Within();
        Assert.Equal(new StoreFinding(null, _time.GetTimestamp()), well);

        Pass(1);
        _answers = false;
        Assert.Equal(well, await check.LookAsync().Within());
        Pass(1);
        Assert.Equal(well, await check.LookAsync().Within());
        Assert.Equal(2, _checks.Count); // One at a time.
    }

    [Fact]
    public async Task What_fails_between_two_looks_is_told_by_the_next_though_another_check_runs_by_then()
    {
        var check = new StoreCheck(CheckAsync, _time);
        _answers = false;
        var began = _time.GetTimestamp();
        Assert.Null((await check.LookAsync().Within()).Error);
        Pass(0.7);
        _checks[0].SetException(new IOException("it is away"));
        Pass(0.3);
        Assert.Equal(new StoreFinding("it is away", began), await check.LookAsync().Within());
        Assert.Equal(2, _checks.Count);

        _checks[1].SetResult();
        Pass(1);
        Assert.Null((await check.LookAsync().Within()).Error);
    }

    [Fact]
    public async Task Looks_that_come_faster_than_once_a_second_do_not_each_write()
    {
        var check = new StoreCheck(CheckAsync, _time);
        for (var i = 0; i < 5; i++)
        {
            Assert.Null((await check.LookAsync().Within()).Error);
            Pass(0.1);
        }

        Assert.Single(_checks);
    }

    private Task CheckAsync(CancellationToken limit)
    {
        _checks.Add(new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        if (_answers)
        {
            _checks[^1].SetResult();
        }

        return _checks[^1].Task;
    }

    private void Pass(double seconds) => _time.Now += TimeSpan.FromSeconds(seconds);
}
