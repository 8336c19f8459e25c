using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using DChat.Core.ControlLog;

namespace DChat.Storage.Etcd;

/// <summary>
/// Speaks etcd's JSON gateway (<c>/v3/…</c>). A try that fails or takes too long is repeated at the next endpoint, so every request must be one
/// whose repetition does no harm: transactions compare first.
/// </summary>
internal sealed class EtcdClient : IDisposable
{
    /// <summary>How long one try may take.</summary>
    public static readonly TimeSpan TryLimit = TimeSpan.FromMilliseconds(700);

    /// <summary>How long all tries of a request may take together.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(4);

    /// <summary>The wait after all endpoints failed.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly EtcdUrl _url;
    private readonly TimeProvider _time;
    private readonly EtcdHttp _http;
    private readonly SemaphoreSlim _signingIn = new(1);
    private int _preferred;
    private string? _token;

    public EtcdClient(EtcdUrl url, TimeProvider time)
    {
        (_url, _time) = (url, time);
        _http = new EtcdHttp(url, time);
    }

    public string Where => string.Join(", ", _url.Endpoints.Select(endpoint => endpoint.Authority));

    public Task<EtcdTxnAnswer> TxnAsync(EtcdTxn txn, CancellationToken cancellation) =>
        CallAsync("kv/txn", txn, EtcdJson.Default.EtcdTxn, EtcdJson.Default.EtcdTxnAnswer, cancellation);

    /// <summary>Linearizable: what was committed before is seen, or the call fails.</summary>
    public Task<EtcdRangeAnswer> RangeAsync(EtcdRange range, CancellationToken cancellation) =>
        CallAsync("kv/range", range, EtcdJson.Default.EtcdRange, EtcdJson.Default.EtcdRangeAnswer, cancellation);

    public Task<EtcdLease> GrantAsync(long seconds, CancellationToken cancellation) =>
        CallAsync("lease/grant", new EtcdLease(Ttl: seconds), EtcdJson.Default.EtcdLease, EtcdJson.Default.EtcdLease, cancellation);

    /// <summary>False where the lease is no more.</summary>
    public async Task<bool> KeepAliveAsync(long lease, CancellationToken cancellation)
    {
        var answer = await CallAsync("lease/keepalive", new EtcdLease(lease), EtcdJson.Default.EtcdLease, EtcdJson.Default.EtcdStreamedEtcdLease, cancellation);
        return answer.Result is { Ttl: > 0 };
    }

    /// <summary>Ends a lease and removes its keys; one that is no more is no error.</summary>
    public async Task RevokeAsync(long lease, CancellationToken cancellation)
    {
        try
        {
            await CallAsync("lease/revoke", new EtcdLease(lease), EtcdJson.Default.EtcdLease, EtcdJson.Default.EtcdNothing, cancellation);
        }
        catch (EtcdRefusedException refused) when (refused.Code == EtcdRefusedException.NotFound)
        {
            // It ran out.
        }
    }

    /// <summary>Forgets what keys held before a revision; one that is compacted already is no error.</summary>
    public Task CompactAsync(long revision, CancellationToken cancellation) =>
        CompactAsync(CallAsync("kv/compaction", new EtcdCompaction(revision), EtcdJson.Default.EtcdCompaction, EtcdJson.Default.EtcdNothing, cancellation));

    /// <summary>The same, answered when it is gone from that member's database: of a large one not before minutes.</summary>
    public Task CompactAsync(Uri member, long revision, TimeSpan limit, CancellationToken cancellation) =>
        CompactAsync(TryAsync(member, "kv/compaction", new EtcdCompaction(revision, Physical: true), EtcdJson.Default.EtcdCompaction, EtcdJson.Default.EtcdNothing, limit, cancellation));

    /// <summary>How each member stands; null for those that do not answer.</summary>
    /// <param name="refused">Told of those that answer, and do not say it.</param>
    public async Task<IReadOnlyList<(Uri Member, EtcdStatus? Status)>> StatusAsync(CancellationToken cancellation, Action<Uri, EtcdRefusedException>? refused = null) =>
        await Task.WhenAll(_url.Endpoints.Select(async member =>
        {
            try
            {
                return (member, (EtcdStatus?)await StatusAsync(member, cancellation));
            }
            catch (Exception failure) when (IsFailure(failure))
            {
                if (failure is EtcdRefusedException no)
                {
                    refused?.Invoke(member, no);
                }

                return (member, null);
            }
        }));

    public Task<EtcdStatus> StatusAsync(Uri member, CancellationToken cancellation) =>
        TryAsync(member, "maintenance/status", new EtcdNothing(), EtcdJson.Default.EtcdNothing, EtcdJson.Default.EtcdStatus, TryLimit, cancellation);

    public async Task<IReadOnlyList<EtcdMemberInfo>> MembersAsync(CancellationToken cancellation) =>
        (await CallAsync("cluster/member/list", new EtcdNothing(), EtcdJson.Default.EtcdNothing, EtcdJson.Default.EtcdMembersAnswer, cancellation)).Members ?? [];

    /// <summary>One that has not run yet; one that is there already is no error.</summary>
    /// <param name="learns">It does not vote until it is promoted.</param>
    public async Task AddMemberAsync(string peerUrl, bool learns, CancellationToken cancellation)
    {
        try
        {
            await CallAsync("cluster/member/add", new EtcdMemberAdd([peerUrl], learns), EtcdJson.Default.EtcdMemberAdd, EtcdJson.Default.EtcdNothing, cancellation);
        }
        catch (EtcdRefusedException refused) when (refused.Message.Contains("already exists", StringComparison.OrdinalIgnoreCase))
        {
            // A repeat.
        }
    }

    /// <summary>For ever; one that is no more is no error.</summary>
    public async Task RemoveMemberAsync(ulong member, CancellationToken cancellation)
    {
        try
        {
            await CallAsync("cluster/member/remove", new EtcdMemberId(member), EtcdJson.Default.EtcdMemberId, EtcdJson.Default.EtcdNothing, cancellation);
        }
        catch (EtcdRefusedException refused) when (refused.Code == EtcdRefusedException.NotFound)
        {
            // A repeat.
        }
    }

    /// <summary>A learner votes from now on; refused while it lacks what the others have.</summary>
    public Task PromoteMemberAsync(ulong member, CancellationToken cancellation) =>
        CallAsync("cluster/member/promote", new EtcdMemberId(member), EtcdJson.Default.EtcdMemberId, EtcdJson.Default.EtcdNothing, cancellation);

    /// <summary>Asks whether the keys may be read and written, and does neither: etcd checks the rights of the branch that is not taken.</summary>
    public Task TryAccessAsync(EtcdKeys keys, CancellationToken cancellation) => TxnAsync(
        new EtcdTxn(
            [new EtcdCompare(keys.Leader, "CREATE", "LESS", CreateRevision: 0)],
            [
                EtcdOperation.Put(keys.Leader, []), EtcdOperation.Put(keys.First, []), EtcdOperation.Delete(keys.Entry(0), keys.End),
                EtcdOperation.Get(keys.Leader), EtcdOperation.Get(keys.First), EtcdOperation.Get(keys.Entry(0), keys.End),
            ],
            []),
        cancellation);

    /// <summary>What a try may end by, beside being cancelled. (A socket that is reset while it connects comes out of HttpClient as it is.)</summary>
    public static bool IsFailure(Exception failure) =>
        failure is HttpRequestException or SocketException or TimeoutException or EtcdRefusedException or IOException or JsonException or UnauthorizedAccessException;

    /// <summary>Of the URL's user, as it stands now in its file or in the environment; empty: there is none.</summary>
    public static string Password(EtcdUrl url) => url.PassFile is { } file
        ? File.ReadLines(file).FirstOrDefault("")
        : Environment.GetEnvironmentVariable(EtcdUrl.PasswordVariable) ?? "";

    /// <summary>Gives a member's unused space back; it answers nothing else meanwhile.</summary>
    public Task DefragmentAsync(Uri member, TimeSpan limit, CancellationToken cancellation) =>
        TryAsync(member, "maintenance/defragment", new EtcdNothing(), EtcdJson.Default.EtcdNothing, EtcdJson.Default.EtcdNothing, limit, cancellation);

    /// <summary>Lets a member write again that was full; one that is not is no error.</summary>
    public Task DisarmAsync(Uri endpoint, ulong member, CancellationToken cancellation) => TryAsync(
        endpoint, "maintenance/alarm", new EtcdAlarm("DEACTIVATE", member, "NOSPACE"), EtcdJson.Default.EtcdAlarm, EtcdJson.Default.EtcdNothing, TryLimit, cancellation);

    /// <summary>What a member's database may take, in bytes; null where its metrics do not tell.</summary>
    public async Task<long?> QuotaAsync(Uri member, CancellationToken cancellation)
    {
        const string Metric = "etcd_server_quota_backend_bytes ";
        using var timed = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timed.CancelAfter(TryLimit);
        try
        {
            var metrics = await _http.Current.GetStringAsync(new Uri(member, "/metrics"), timed.Token);
            var line = metrics.Split('\n').FirstOrDefault(line => line.StartsWith(Metric, StringComparison.Ordinal));
            return line is not null && double.TryParse(line[Metric.Length..], NumberStyles.Float, CultureInfo.InvariantCulture, out var bytes) && bytes > 0 ? (long)bytes : null;
        }
        catch (Exception failure) when (IsFailure(failure) || (failure is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return null;
        }
    }

    /// <summary>What happens to keys from a revision on. It ends when the stream does, with whatever exception that has: look, and watch again.</summary>
    /// <param name="silence">A stream on which nothing comes for so long ends by <see cref="TimeoutException"/>: a member that is cut off tells nothing, and does not say so.</param>
    public async IAsyncEnumerable<EtcdWatchNews> WatchAsync(EtcdWatchCreate what, TimeSpan silence, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var endpoint = _url.Endpoints[Volatile.Read(ref _preferred)];
        using var request = await RequestAsync(endpoint, "watch", new EtcdWatch(what), EtcdJson.Default.EtcdWatch, cancellation);
        using var beginning = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        beginning.CancelAfter(TryLimit);
        using var response = await _http.Current.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, beginning.Token);
        await ThrowIfRefusedAsync(response, beginning.Token);
        await using var stream = await response.Content.ReadAsStreamAsync(cancellation);
        using var reader = new StreamReader(stream);
        while (await reader.ReadLineAsync(cancellation).AsTask().WaitAsync(silence, _time, cancellation) is { } line)
        {
            var news = JsonSerializer.Deserialize(line, EtcdJson.Default.EtcdStreamedEtcdWatchNews);
            if (news?.Error is { } error)
            {
                throw EtcdRefusedException.Of(error);
            }

            if (news?.Result is { } result)
            {
                yield return result;
            }
        }
    }

    /// <summary>Another endpoint is asked first from now on.</summary>
    public void PreferNext() => Next(Volatile.Read(ref _preferred));

    public void Dispose()
    {
        _http.Dispose();
        _signingIn.Dispose();
    }

    /// <exception cref="ControlLogUnavailableException">No endpoint answered in time; the outcome is unknown.</exception>
    /// <exception cref="EtcdRefusedException">etcd answered that it cannot be done.</exception>
    private async Task<TAnswer> CallAsync<TAsk, TAnswer>(string path, TAsk ask, JsonTypeInfo<TAsk> askType, JsonTypeInfo<TAnswer> answerType, CancellationToken cancellation)
    {
        var started = _time.GetTimestamp();
        for (var attempt = 1; ; attempt++)
        {
            var preferred = Volatile.Read(ref _preferred);
            try
            {
                return await TryAsync(_url.Endpoints[preferred], path, ask, askType, answerType, TryLimit, cancellation);
            }
            catch (EtcdRefusedException refused) when (refused.IsUnauthenticated && attempt <= 2)
            {
                _token = null; // It ran out, the member does not know it, or who may do what was changed since: sign in again.
            }
            catch (Exception failure) when (IsFailure(failure) && failure is not EtcdRefusedException { IsTemporary: false })
            {
                Next(preferred);
                if (_time.GetElapsedTime(started) + TryLimit > Limit)
                {
                    throw new ControlLogUnavailableException($"etcd at {Where} cannot be used now: {failure.GetBaseException().Message}", failure);
                }

                if (attempt % _url.Endpoints.Count == 0)
                {
                    await Task.Delay(Pause, _time, cancellation);
                }
            }
        }
    }

    private static async Task CompactAsync(Task<EtcdNothing> call)
    {
        try
        {
            await call;
        }
        catch (EtcdRefusedException refused) when (refused.Code == EtcdRefusedException.OutOfRange)
        {
            // A repeat, or another node was quicker; a physical one was waited for all the same.
        }
    }

    private async Task<TAnswer> TryAsync<TAsk, TAnswer>(
        Uri endpoint, string path, TAsk ask, JsonTypeInfo<TAsk> askType, JsonTypeInfo<TAnswer> answerType, TimeSpan limit, CancellationToken cancellation)
    {
        using var timed = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timed.CancelAfter(limit);
        try
        {
            using var request = await RequestAsync(endpoint, path, ask, askType, timed.Token);
            using var response = await _http.Current.SendAsync(request, timed.Token);
            await ThrowIfRefusedAsync(response, timed.Token);
            await using var content = await response.Content.ReadAsStreamAsync(timed.Token);
            return await JsonSerializer.DeserializeAsync(content, answerType, timed.Token) ?? throw new JsonException($"etcd answered nothing to {path}");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new TimeoutException($"{endpoint.Authority} did not answer within {limit.TotalSeconds:0.0} s");
        }
    }

    private async Task<HttpRequestMessage> RequestAsync<TAsk>(Uri endpoint, string path, TAsk ask, JsonTypeInfo<TAsk> type, CancellationToken cancellation)
    {
        var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(ask, type));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(endpoint, $"/v3/{path}")) { Content = content };
        if (_url.User is not null && path != "auth/authenticate")
        {
            request.Headers.TryAddWithoutValidation("Authorization", await SignInAsync(endpoint, cancellation));
        }

        return request;
    }

    private async Task<string> SignInAsync(Uri endpoint, CancellationToken cancellation)
    {
        if (Volatile.Read(ref _token) is { } known)
        {
            return known;
        }

        await _signingIn.WaitAsync(cancellation);
        try
        {
            if (_token is null)
            {
                var answer = await TryAsync(
                    endpoint, "auth/authenticate", new EtcdSignIn(_url.User!, Password(_url)), EtcdJson.Default.EtcdSignIn, EtcdJson.Default.EtcdToken, TryLimit, cancellation);
                _token = answer.Token ?? throw new JsonException("etcd gave no token");
            }

            return _token;
        }
        finally
        {
            _signingIn.Release();
        }
    }

    private static async Task ThrowIfRefusedAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        if (response.IsSuccessStatusCode)
        {
            return;
        }

        var text = await response.Content.ReadAsStringAsync(cancellation);
        EtcdError? error = null;
        try
        {
            error = JsonSerializer.Deserialize(text, EtcdJson.Default.EtcdError);
        }
        catch (JsonException)
        {
            // A proxy's page, perhaps.
        }

        throw error is null
            ? new EtcdRefusedException(
                response.StatusCode == HttpStatusCode.ServiceUnavailable ? EtcdRefusedException.Unavailable : 0,
                text.Contains(EtcdRefusedException.CommonName, StringComparison.Ordinal) ? text.Trim() : $"HTTP {(int)response.StatusCode}")
            : EtcdRefusedException.Of(error);
    }

    private void Next(int failed) => Interlocked.CompareExchange(ref _preferred, (failed + 1) % _url.Endpoints.Count, failed);
}
