using System.Security.Cryptography;
using System.Text;
using DChat.Core.ControlLog;
using DChat.Storage.Etcd;
using DChat.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Storage.Tests.Etcd;

/// <summary>The JSON gateway of a real etcd: what it means by what it sends and leaves out.</summary>
public sealed class EtcdClientTests(EtcdClientTests.OneMember fixture) : IClassFixture<EtcdClientTests.OneMember>
{
    private static readonly TimeSpan LongSilence = TimeSpan.FromMinutes(1);

    private readonly string _prefix = Guid.NewGuid().ToString("N");

    [Fact]
    public async Task Keys_and_values_are_bytes_and_an_empty_value_is_one()
    {
        using var client = Open();
        byte[] key = [.. Key("bytes"), 0, 255, 254];
        byte[] value = [0, 1, 128, 255];
        Assert.Empty(await ReadAsync(client, key));

        var put = await client.TxnAsync(new EtcdTxn([], [EtcdOperation.Put(key, value)], []), CancellationToken.None);
        Assert.True(put.Succeeded);
        var found = Assert.Single(await ReadAsync(client, key));
        Assert.Equal(key, found.Key);
        Assert.Equal(value, found.Value);
        Assert.Equal((put.Header!.Revision, put.Header.Revision, 0), (found.CreateRevision, found.ModRevision, found.Lease));

        await client.TxnAsync(new EtcdTxn([], [EtcdOperation.Put(key, [])], []), CancellationToken.None);
        Assert.Empty(Assert.Single(await ReadAsync(client, key)).Value ?? []);
    }

    [Fact]
    public async Task A_transaction_whose_comparison_fails_does_the_other_thing_and_tells_what_is_there()
    {
        using var client = Open();
        var key = Key("once");
        var once = new EtcdTxn([new EtcdCompare(key, "CREATE", "EQUAL", CreateRevision: 0)], [EtcdOperation.Put(key, Bytes("first"))], [EtcdOperation.Get(key)]);
        Assert.True((await client.TxnAsync(once, CancellationToken.None)).Succeeded);

        var again = await client.TxnAsync(once with { Success = [EtcdOperation.Put(key, Bytes("second"))] }, CancellationToken.None);
        Assert.False(again.Succeeded); // Left out of the answer.
        Assert.Equal("first", Text(Assert.Single(again.Range(0))));
        Assert.Empty(again.Range(1)); // There was no second operation.
    }

    [Fact]
    public async Task A_connection_that_is_reset_while_it_is_made_is_a_failure_like_others()
    {
        using var port = new ResettingPort();
        var member = new Uri($"http://127.0.0.1:{port.Port}");
        using var client = new EtcdClient(EtcdUrl.Parse($"etcd://127.0.0.1:{port.Port}/none"), TimeProvider.System);
        for (var attempt = 0; attempt < 500; attempt++)
        {
            var failure = await Record.ExceptionAsync(() => client.StatusAsync(member, CancellationToken.None));
            Assert.True(failure is not null && EtcdClient.IsFailure(failure), $"attempt {attempt}: {failure}");
        }
    }

    [Fact]
    public async Task A_range_is_in_order_limited_and_without_its_end()
    {
        using var client = Open();
        await client.TxnAsync(new EtcdTxn([], [.. new[] { "b", "a", "d", "c" }.Select(name => EtcdOperation.Put(Key(name), Bytes(name)))], []), CancellationToken.None);

        EtcdRange all = new(Key("a"), Key("d"));
        Assert.Equal(["a", "b", "c"], (await client.RangeAsync(all, CancellationToken.None)).Found.Select(Text));
        var page = await client.RangeAsync(all with { Limit = 2 }, CancellationToken.None);
        Assert.Equal(["a", "b"], page.Found.Select(Text));
        Assert.Equal(3, page.Count);
        Assert.True(page.More);

        var told = await client.TxnAsync(
            new EtcdTxn([], [EtcdOperation.Count(Key("a")), EtcdOperation.Count(Key("e")), EtcdOperation.Count(Key("b"), Key("z")), EtcdOperation.FirstKey(Key("aa"), Key("z"))], []), CancellationToken.None);
        Assert.Equal((1, 0, 3), (told.Count(0), told.Count(1), told.Count(2)));
        Assert.Empty(told.Range(2));
        var first = Assert.Single(told.Range(3));
        Assert.Equal(Key("b"), first.Key);
        Assert.Null(first.Value);
    }

    [Fact]
    public async Task A_lease_takes_its_keys_along_and_one_that_is_no_more_is_not_kept_alive()
    {
        using var client = Open();
        var lease = await client.GrantAsync(60, CancellationToken.None);
        Assert.Equal(60, lease.Ttl);
        await client.TxnAsync(new EtcdTxn([], [EtcdOperation.Put(Key("leased"), Bytes("x"), lease.Id)], []), CancellationToken.None);
        Assert.Equal(lease.Id, Assert.Single(await ReadAsync(client, Key("leased"))).Lease);
        Assert.True(await client.KeepAliveAsync(lease.Id, CancellationToken.None));

        await client.RevokeAsync(lease.Id, CancellationToken.None);
        Assert.Empty(await ReadAsync(client, Key("leased")));
        Assert.False(await client.KeepAliveAsync(lease.Id, CancellationToken.None)); // Answered with 200, and no time to live.
        await client.RevokeAsync(lease.Id, CancellationToken.None); // A repeat is no error.
    }

    [Fact]
    public async Task A_watch_tells_puts_and_deletions_from_its_revision_on_in_order()
    {
        using var client = Open();
        using var limit = new CancellationTokenSource(Eventually.DefaultLimit);
        var first = await PutAsync(client, "a");
        await PutAsync(client, "b");
        await client.TxnAsync(new EtcdTxn([], [EtcdOperation.Delete(Key("a"))], []), limit.Token);
        var seen = new List<(string?, string)>();
        await foreach (var news in client.WatchAsync(new EtcdWatchCreate(Key("a"), Key("z"), first), LongSilence, limit.Token))
        {
            seen.AddRange((news.Events ?? []).Select(change => (change.Type, Encoding.UTF8.GetString(change.Kv!.Key!)[^1..])));
            if (seen.Count == 3)
            {
                await PutAsync(client, "c"); // One more, live.
            }

            if (seen.Count == 4)
            {
                break;
            }
        }

        Assert.Equal([(null, "a"), (null, "b"), ("DELETE", "a"), (null, "c")], seen);
    }

    [Fact]
    public async Task A_watch_from_what_is_compacted_is_ended_with_the_revision_from_which_there_is_something()
    {
        await using var etcd = await EtcdCluster.StartAsync(1);
        using var client = Open(etcd);
        using var limit = new CancellationTokenSource(Eventually.DefaultLimit);
        var first = await PutAsync(client, "a");
        var second = await PutAsync(client, "a");
        await client.CompactAsync(second, limit.Token);
        await client.CompactAsync(second, limit.Token); // A repeat is no error.
        await client.CompactAsync((await client.StatusAsync(limit.Token))[0].Member, second, Eventually.DefaultLimit, limit.Token);

        EtcdWatchNews? last = null;
        await foreach (var news in client.WatchAsync(new EtcdWatchCreate(Key("a"), Key("z"), first), LongSilence, limit.Token))
        {
            last = news;
            if (news.Canceled)
            {
                break;
            }
        }

        Assert.Equal((true, second), (last!.Canceled, last.CompactRevision));
    }

    [Fact]
    public async Task A_watch_on_which_nothing_comes_for_longer_than_silence_is_borne_ends()
    {
        using var client = Open();
        await Assert.ThrowsAsync<TimeoutException>(async () =>
        {
            await foreach (var news in client.WatchAsync(new EtcdWatchCreate(Key("quiet"), Key("quiet0"), 0), TimeSpan.FromMilliseconds(300), CancellationToken.None))
            {
                Assert.Null(news.Events);
            }
        }).Within();
    }

    [Fact]
    public async Task What_etcd_refuses_is_told_with_its_code_and_is_not_repeated_elsewhere()
    {
        using var client = Open();
        var future = await Assert.ThrowsAsync<EtcdRefusedException>(() => client.RangeAsync(new EtcdRange(Key("a"), Revision: long.MaxValue), CancellationToken.None));
        Assert.Equal((EtcdRefusedException.OutOfRange, false), (future.Code, future.IsTemporary));
        Assert.Contains("future revision", future.Message, StringComparison.Ordinal);

        var missing = await Assert.ThrowsAsync<EtcdRefusedException>(() => client.TxnAsync(new EtcdTxn([], [EtcdOperation.Put(Key("a"), Bytes("x"), lease: 12345)], []), CancellationToken.None));
        Assert.Equal((EtcdRefusedException.NotFound, false), (missing.Code, missing.IsTemporary));

        var large = await Assert.ThrowsAsync<EtcdRefusedException>(() => client.TxnAsync(new EtcdTxn([], [EtcdOperation.Put(Key("a"), new byte[1_700_000])], []), CancellationToken.None));
        Assert.Contains("request is too large", large.Message, StringComparison.Ordinal);
        Assert.Empty(await ReadAsync(client, Key("a")));
    }

    [Fact]
    public async Task An_endpoint_that_is_dead_or_silent_is_passed_over_and_the_next_one_stays_preferred()
    {
        await using var etcd = await EtcdCluster.StartAsync();
        using var client = Open(etcd);
        await PutAsync(client, "0");
        await etcd.Members[0].KillAsync();
        await PutAsync(client, "a");
        Assert.Equal("a", Text(Assert.Single(await ReadAsync(client, Key("a")))));

        await etcd.Members[0].StartAgainAsync();
        await etcd.Members[1].KillAsync();
        await PutAsync(client, "b");
        await etcd.Members[1].StartAgainAsync();
        etcd.Members[2].Freeze();
        await PutAsync(client, "c");
        etcd.Members[2].Thaw();
        Assert.Equal(["a", "b", "c"], (await client.RangeAsync(new EtcdRange(Key("a"), Key("d")), CancellationToken.None)).Found.Select(Text));
    }

    [Fact]
    public async Task Where_none_answers_the_caller_is_told_so_and_that_the_outcome_is_unknown()
    {
        await using var etcd = await EtcdCluster.StartAsync(1);
        using var client = Open(etcd);
        await etcd.Members[0].KillAsync();
        var away = await Assert.ThrowsAsync<ControlLogUnavailableException>(() => PutAsync(client, "a")).Within();
        Assert.Contains(etcd.Members[0].Address, away.Message, StringComparison.Ordinal);

        using var stopped = new CancellationTokenSource();
        var call = client.RangeAsync(new EtcdRange(Key("a")), stopped.Token);
        await stopped.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.Within());
    }

    [Fact]
    public async Task A_token_that_a_member_does_not_know_any_more_is_asked_for_anew()
    {
        await using var etcd = await EtcdCluster.StartAsync(1);
        await etcd.RequirePasswordsAsync("chat", "of the log", "office");
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder["password"], "of the log\n");
        var parameters = $"?passfile={folder["password"]}";
        using var client = new EtcdClient(EtcdUrl.Parse(etcd.Url("office", parameters, user: "chat@")), TimeProvider.System);
        EtcdTxn put = new([], [EtcdOperation.Put(Bytes("office/a"), Bytes("x"))], []);
        await client.TxnAsync(put, CancellationToken.None);

        await etcd.Members[0].KillAsync(); // Its tokens are in its memory only.
        await etcd.Members[0].StartAgainAsync();
        await client.TxnAsync(put, CancellationToken.None);

        var elsewhere = await Assert.ThrowsAsync<EtcdRefusedException>(() => client.RangeAsync(new EtcdRange(Bytes("another/a")), CancellationToken.None));
        Assert.Equal(EtcdRefusedException.PermissionDenied, elsewhere.Code);
    }

    [Fact]
    public async Task A_token_from_before_users_were_changed_is_asked_for_anew()
    {
        using var folder = new TemporaryFolder();
        using (var key = RSA.Create(2_048))
        {
            await File.WriteAllTextAsync(folder["public"], key.ExportSubjectPublicKeyInfoPem());
            await File.WriteAllTextAsync(folder["private"], key.ExportRSAPrivateKeyPem());
        }

        // Such a token says for itself whose it is, and lasts longer than this test.
        await using var etcd = await EtcdCluster.StartAsync(1, _ => ["--auth-token", $"jwt,pub-key={folder["public"]},priv-key={folder["private"]},sign-method=RS256,ttl=1h"]);
        await etcd.RequirePasswordsAsync("chat", "of the log", "office");
        await File.WriteAllTextAsync(folder["password"], "of the log\n");
        var url = EtcdUrl.Parse(etcd.Url("office", $"?passfile={folder["password"]}", user: "chat@"));
        using var client = new EtcdClient(url, TimeProvider.System);
        EtcdTxn put = new([], [EtcdOperation.Put(Bytes("office/a"), Bytes("x"))], []);
        await client.TxnAsync(put, CancellationToken.None);

        await etcd.AddUserAsync("another");
        await client.TxnAsync(put, CancellationToken.None);
        var found = Assert.Single(await ReadAsync(client, Bytes("office/a")));
        Assert.True(found.ModRevision > found.CreateRevision, "it was put twice");

        await using var log = new EtcdControlLog(url, TimeProvider.System, NullLogger<EtcdControlLog>.Instance);
        await using var leadership = await log.CampaignAsync("a:1", CancellationToken.None).Within();
        await using var entries = log.FollowAsync(1, CancellationToken.None).GetAsyncEnumerator();
        for (var index = 1; index <= 3; index++)
        {
            await etcd.AddUserAsync($"user{index}");
            var seen = entries.MoveNextAsync();
            Assert.Equal(AppendOutcome.Committed, await log.AppendAsync(leadership.Term, index, new byte[] { 1 }, CancellationToken.None).Within());
            Assert.True(await seen.AsTask().Within());
        }
    }

    [Fact]
    public async Task Members_tell_who_they_are_and_how_they_stand()
    {
        using var client = Open();
        var member = Assert.Single(await client.MembersAsync(CancellationToken.None));
        var (asked, status) = Assert.Single(await client.StatusAsync(CancellationToken.None));
        Assert.Equal(fixture.Etcd.Members[0].Address, asked.Authority);
        Assert.Equal((member.Id, member.Id), (status!.Header!.MemberId, status.Leader)); // Above 2^53 as like as not: no number of JSON's.
        Assert.False(status.IsFull);
        Assert.True(status.DbSize >= status.DbSizeInUse && status.DbSizeInUse > 0, $"{status}");
        Assert.True(await client.QuotaAsync(asked, CancellationToken.None) > status.DbSize);
    }

    private EtcdClient Open() => Open(fixture.Etcd);

    private static EtcdClient Open(EtcdCluster etcd) => new(EtcdUrl.Parse(etcd.Url()), TimeProvider.System);

    private byte[] Key(string name) => Bytes($"{_prefix}/{name}");

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(EtcdKeyValue found) => Encoding.UTF8.GetString(found.Value!);

    private static async Task<IReadOnlyList<EtcdKeyValue>> ReadAsync(EtcdClient client, byte[] key) => (await client.RangeAsync(new EtcdRange(key), CancellationToken.None)).Found;

    /// <summary>A key whose value is its name.</summary>
    /// <returns>The revision.</returns>
    private async Task<long> PutAsync(EtcdClient client, string name) =>
        (await client.TxnAsync(new EtcdTxn([], [EtcdOperation.Put(Key(name), Bytes(name))], []), CancellationToken.None)).Header!.Revision;

    /// <summary>For what harms nobody else.</summary>
    public sealed class OneMember : IAsyncLifetime
    {
        public EtcdCluster Etcd { get; private set; } = null!;

        public async Task InitializeAsync() => Etcd = await EtcdCluster.StartAsync(1);

        public async Task DisposeAsync() => await Etcd.DisposeAsync();
    }
}
