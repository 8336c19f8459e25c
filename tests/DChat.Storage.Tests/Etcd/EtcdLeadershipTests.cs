using DChat.Core.ControlLog;
using DChat.Storage.Etcd;
using DChat.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Storage.Tests.Etcd;

/// <summary>A leader whose member of etcd renews its lease, whatever else that member can do.</summary>
public sealed class EtcdLeadershipTests(EtcdClientTests.OneMember fixture) : IClassFixture<EtcdClientTests.OneMember>
{
    private readonly string _prefix = Guid.NewGuid().ToString("N");

    private string Member => fixture.Etcd.Members[0].Address;

    [Fact]
    public async Task One_whose_member_renews_and_answers_nothing_else_is_lost_and_another_leads()
    {
        await using var ear = new EtcdEar(Member);
        await using var log = Open(ear.Address, 3);
        await using var leadership = await log.CampaignAsync("a:1", CancellationToken.None).Within();
        await using var end = new Release(ear);
        await Eventually.Holds(() => ear.Renewals > 1);

        ear.HoldsKeys = true;

        await Ended(leadership);
        await using var other = Open(Member, 3);
        await using var next = await other.CampaignAsync("b:1", CancellationToken.None).Within(); // The lease ran out: nobody gave it up.
        Assert.True(next.Term > leadership.Term);
    }

    [Fact]
    public async Task One_whose_member_is_slow_for_less_than_the_lease_stays()
    {
        await using var ear = new EtcdEar(Member);
        await using var log = Open(ear.Address, 9);
        await using var leadership = await log.CampaignAsync("a:1", CancellationToken.None).Within();
        ear.HoldsKeys = true;
        await Eventually.Holds(() => ear.Held > 1); // One try was given up.

        var before = ear.Renewals;
        ear.HoldsKeys = false;

        await Eventually.Holds(() => ear.Renewals > before + 1);
        Assert.False(leadership.Lost.IsCancellationRequested);
        Assert.Equal(leadership.Term, (await log.ReadLeaderAsync(CancellationToken.None))?.Term);
    }

    [Fact]
    public async Task One_that_another_took_the_place_of_is_lost_though_its_lease_is_renewed()
    {
        await using var log = Open(Member, 3);
        await using var leadership = await log.CampaignAsync("a:1", CancellationToken.None).Within();
        using var client = new EtcdClient(Url(Member, 3), TimeProvider.System);
        var key = new EtcdKeys(_prefix).Leader;

        await client.TxnAsync(new EtcdTxn([], [EtcdOperation.Delete(key)], []), CancellationToken.None);
        await client.TxnAsync(new EtcdTxn([], [EtcdOperation.Put(key, "b:1"u8.ToArray())], []), CancellationToken.None);

        await Ended(leadership);
        Assert.Equal("b:1", (await log.ReadLeaderAsync(CancellationToken.None))?.Advertise);
    }

    private static async Task Ended(ILeadership leadership)
    {
        var lost = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var told = leadership.Lost.Register(() => lost.TrySetResult());
        await lost.Task.Within();
    }

    private EtcdUrl Url(string member, int lease) => EtcdUrl.Parse($"etcd://{member}/{_prefix}?lease={lease}");

    private EtcdControlLog Open(string member, int lease) => new(Url(member, lease), TimeProvider.System, NullLogger<EtcdControlLog>.Instance);

    /// <summary>Before the leadership is disposed.</summary>
    private sealed class Release(EtcdEar ear) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            ear.HoldsKeys = false;
            return ValueTask.CompletedTask;
        }
    }
}
