using System.Net;
using DChat.Server.Cli;
using DChat.Server.Security;

namespace DChat.Server.Tests.Security;

public sealed class LoginLimitsTests
{
    private static readonly IPAddress Here = IPAddress.Parse("192.0.2.1");
    private static readonly IPAddress There = IPAddress.Parse("192.0.2.2");

    private readonly ShiftedTime _time = new(stands: true);

    [Fact]
    public void The_delay_of_an_account_doubles_up_to_the_longest_from_whichever_address()
    {
        var limits = New(new LimitsOptions { LoginAttemptsPerAccount = 3, LoginDelaySeconds = 1, LoginDelayMaxSeconds = 4 });
        for (var i = 0; i < 3; i++)
        {
            Assert.True(limits.TryBegin("ann", i == 0 ? Here : There, out _));
        }

        foreach (var seconds in new[] { 1, 2, 4, 4 })
        {
            Assert.False(limits.TryBegin("ann", Here, out var wait));
            Assert.Equal(TimeSpan.FromSeconds(seconds), wait);
            Assert.True(limits.TryBegin($"another{seconds}", Here, out _));
            _time.Advance(wait);
            Assert.True(limits.TryBegin("ann", There, out _));
        }
    }

    [Fact]
    public void The_attempts_of_an_address_count_over_all_accounts()
    {
        var limits = New(new LimitsOptions { LoginAttemptsPerAddress = 5, LoginAttemptsPerAccount = 0 });
        for (var i = 0; i < 5; i++)
        {
            Assert.True(limits.TryBegin($"user{i}", Here, out _));
        }

        Assert.False(limits.TryBegin("another", Here, out _));
        Assert.True(limits.TryBegin("another", There, out _));
    }

    [Fact]
    public void Success_forgets_the_accounts_failures_and_is_none_of_the_address()
    {
        var limits = New(new LimitsOptions { LoginAttemptsPerAccount = 2, LoginAttemptsPerAddress = 2 });
        for (var i = 0; i < 10; i++)
        {
            Assert.True(limits.TryBegin("ann", Here, out _));
            limits.Succeeded("ann", Here);
        }
    }

    [Fact]
    public void Guesses_at_the_same_time_gain_nothing()
    {
        var limits = New(new LimitsOptions { LoginAttemptsPerAccount = 10, LoginAttemptsPerAddress = 0 });
        var begun = 0;
        Parallel.For(0, 1_000, _ =>
        {
            if (limits.TryBegin("ann", Here, out TimeSpan _))
            {
                Interlocked.Increment(ref begun);
            }
        });
        Assert.Equal(10, begun);
    }

    [Fact]
    public void Failures_are_forgotten_when_none_came_for_long()
    {
        var limits = New(new LimitsOptions { LoginAttemptsPerAccount = 1, LoginDelayMaxSeconds = 60 });
        Assert.True(limits.TryBegin("ann", Here, out _));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(limits.TryBegin("ann", Here, out _));
        _time.Advance(TimeSpan.FromMinutes(17));
        Assert.True(limits.TryBegin("ann", Here, out _));
        Assert.False(limits.TryBegin("ann", Here, out var wait));
        Assert.Equal(TimeSpan.FromSeconds(1), wait);
    }

    [Theory]
    [InlineData("2001:db8:1:2:aaaa::1", "2001:db8:1:2:bbbb::2", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    [InlineData("::ffff:192.0.2.1", "192.0.2.1", true)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    public void One_customers_addresses_are_one(string a, string b, bool same) =>
        Assert.Equal(same, LoginLimits.Network(IPAddress.Parse(a)) == LoginLimits.Network(IPAddress.Parse(b)));

    [Fact]
    public void A_bounded_map_keeps_the_newest_and_never_more_than_twice_its_capacity()
    {
        var map = new BoundedMap<int>(100);
        for (var i = 0; i < 10_000; i++)
        {
            map.Set($"{i}", i);
            Assert.InRange(map.Count, 0, 200);
        }

        for (var i = 9_900; i < 10_000; i++)
        {
            Assert.True(map.TryGet($"{i}", out var value));
            Assert.Equal(i, value);
        }
    }

    [Fact]
    public void An_hourly_quota_fills_up_again()
    {
        var quota = new HourlyQuota(2, _time);
        Assert.True(quota.TryTake("a", out _));
        Assert.True(quota.TryTake("a", out _));
        _time.Advance(TimeSpan.FromMinutes(20));
        Assert.False(quota.TryTake("a", out var wait));
        Assert.Equal(TimeSpan.FromMinutes(40), wait);
        Assert.True(quota.TryTake("b", out _));
        _time.Advance(wait);
        Assert.True(quota.TryTake("a", out _));
    }

    private LoginLimits New(LimitsOptions limits) => new(limits, _time);
}
