using System.Collections.Concurrent;
using DChat.Core.ControlLog;
using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Server.Coordinator;
using DChat.Storage.Etcd;
using DChat.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Cluster.Tests.Registry;

/// <summary>
/// Follows a cluster's control log in etcd, past all coordinators, computes the registry for itself, and holds against it what clients were
/// answered and which registries nodes say that they hold.
/// </summary>
internal sealed class LogAudit : IAsyncDisposable
{
    /// <summary>How the ids of the commands begin that are looked at.</summary>
    public const string IdPrefix = "audit-";

    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(200);

    private readonly EtcdControlLog _log;
    private readonly CancellationTokenSource _stop = new();
    private readonly RegistryRecords _records = new();
    private readonly ConcurrentQueue<string> _findings = new();
    private readonly ConcurrentBag<Task> _judging = [];
    private readonly Task _following;
    private long _answeredIndex;

    public LogAudit(string etcdUrl)
    {
        _log = new EtcdControlLog(EtcdUrl.Parse(etcdUrl), TimeProvider.System, NullLogger<EtcdControlLog>.Instance);
        _following = FollowAsync();
    }

    /// <summary>Entries so far.</summary>
    public long Index => _records.Index;

    /// <summary>Answers that were held against the log.</summary>
    public int Judged { get; private set; }

    /// <summary>What is wrong; null: nothing so far.</summary>
    public string? Finding => _findings.TryPeek(out var first) ? first : _following.IsFaulted ? $"the log cannot be followed: {_following.Exception!.GetBaseException()}" : null;

    /// <summary>Where the leader is, <c>host:port</c>; null where nobody leads or etcd does not answer.</summary>
    public async Task<string?> LeaderAsync()
    {
        try
        {
            return (await _log.ReadLeaderAsync(_stop.Token))?.Advertise;
        }
        catch (ControlLogUnavailableException)
        {
            return null;
        }
    }

    /// <summary>Which entries the log holds now.</summary>
    /// <exception cref="ControlLogUnavailableException">etcd does not answer.</exception>
    public Task<LogBounds> ReadBoundsAsync(CancellationToken cancellation) => _log.ReadBoundsAsync(cancellation);

    /// <summary>A command is called for the first time.</summary>
    /// <returns>The last entry of which anybody was answered before: the command can stand after it only.</returns>
    public long Issue(Command command)
    {
        _records.Issue(command);
        return Interlocked.Read(ref _answeredIndex);
    }

    /// <summary>A command was answered, other than by <c>unavailable</c>.</summary>
    public void Answered(Command command, CommandResult result, long answeredBefore)
    {
        for (var known = Interlocked.Read(ref _answeredIndex); known < result.Index; known = Interlocked.Read(ref _answeredIndex))
        {
            Interlocked.CompareExchange(ref _answeredIndex, result.Index, known);
        }

        _judging.Add(JudgeAsync(command, result, answeredBefore));
    }

    /// <summary>A node, or a snapshot, says which registry it holds.</summary>
    /// <returns>False where it is of an entry that this one has left too far behind.</returns>
    public async Task<bool> HoldsAsync(string node, long index, string hash)
    {
        if (!await ReachesAsync(index, $"{node} says that it holds"))
        {
            return true;
        }

        if (_records.HashAt(index) is not { } right)
        {
            return false;
        }

        if (right != hash)
        {
            _findings.Enqueue($"{node} holds another registry at entry {index}: {hash}, and the log gives {right}");
        }

        return true;
    }

    /// <summary>Waits until every answer was held against the log.</summary>
    public async Task SettleAsync() => await Task.WhenAll(_judging);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _following.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _log.DisposeAsync();
        _stop.Dispose();
    }

    private async Task JudgeAsync(Command command, CommandResult result, long answeredBefore)
    {
        if (await ReachesAsync(result.Index, $"{command} was answered {result.Outcome} at") && _records.Judge(command, result.Outcome, result.Index, answeredBefore) is { } finding)
        {
            _findings.Enqueue(finding);
        }

        lock (_records)
        {
            Judged++;
        }
    }

    /// <summary>Whoever speaks of an entry speaks of one that is in the log: a leader that was deposed and does not know it must not go on by itself.</summary>
    private async Task<bool> ReachesAsync(long index, string what)
    {
        try
        {
            await Eventually.Holds(() => _records.Index >= index || _following.IsCompleted);
        }
        catch (TimeoutException)
        {
            _findings.Enqueue($"{what} entry {index}, and the log ends at entry {_records.Index}");
        }

        return _records.Index >= index;
    }

    private async Task FollowAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await foreach (var entry in _log.FollowAsync(_records.Index + 1, _stop.Token))
                {
                    if (_records.Take(entry) is { } finding)
                    {
                        _findings.Enqueue(finding);
                    }
                }
            }
            catch (ControlLogUnavailableException)
            {
                await Task.Delay(RetryAfter, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
        }
    }
}
