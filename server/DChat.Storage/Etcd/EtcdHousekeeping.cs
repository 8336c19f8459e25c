using System.Threading.Channels;
using DChat.Core.ControlLog;
using Microsoft.Extensions.Logging;

namespace DChat.Storage.Etcd;

/// <summary>
/// After a truncation: what is gone is compacted away, and a member that holds much unused space gives it back, one member after the other.
/// Nothing waits for it, and what fails is done after the next truncation.
/// </summary>
internal sealed partial class EtcdHousekeeping : IAsyncDisposable
{
    /// <summary>A member is defragmented when so much of its file is unused, and more than half of it.</summary>
    private const long UnusedBytesMin = 32 * 1024 * 1024;

    private static readonly TimeSpan DefragmentLimit = TimeSpan.FromMinutes(1);

    private readonly EtcdClient _client;
    private readonly ILogger _logger;
    private readonly Channel<long> _truncated = Channel.CreateBounded<long>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });
    private readonly CancellationTokenSource _closed = new();
    private readonly Task _working;
    private bool _isSaid;

    public EtcdHousekeeping(EtcdClient client, ILogger logger)
    {
        (_client, _logger) = (client, logger);
        _working = WorkAsync();
    }

    public void Truncated(long revision) => _truncated.Writer.TryWrite(revision);

    public async ValueTask DisposeAsync()
    {
        await _closed.CancelAsync();
        await _working;
        _closed.Dispose();
    }

    private async Task WorkAsync()
    {
        try
        {
            await foreach (var revision in _truncated.Reader.ReadAllAsync(_closed.Token))
            {
                try
                {
                    await _client.CompactAsync(revision, _closed.Token);
                    foreach (var (member, status) in await _client.StatusAsync(_closed.Token))
                    {
                        if (status is { } known && known.DbSize - known.DbSizeInUse > UnusedBytesMin && known.DbSizeInUse * 2 < known.DbSize)
                        {
                            await DefragmentAsync(member, known);
                        }
                    }
                }
                catch (Exception failure) when (failure is ControlLogUnavailableException || EtcdClient.IsFailure(failure))
                {
                    NotDone(_logger, _client.Where, failure.Message);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Closed.
        }
    }

    private async Task DefragmentAsync(Uri member, EtcdStatus known)
    {
        try
        {
            await _client.DefragmentAsync(member, DefragmentLimit, _closed.Token);
            Defragmented(_logger, member.Authority, known.DbSize, known.DbSizeInUse);
        }
        catch (EtcdRefusedException refused) when (refused.IsNotPermitted)
        {
            if (!_isSaid)
            {
                _isSaid = true; // It is so after each truncation.
                MayNotDefragment(_logger, member.Authority, known.DbSize, known.DbSizeInUse);
            }
        }
        catch (Exception failure) when (EtcdClient.IsFailure(failure))
        {
            NotDefragmented(_logger, member.Authority, failure.Message);
        }
    }

    [LoggerMessage(5321, LogLevel.Information, "etcd member {Member} gave unused space back: of {Bytes} bytes {Used} were used")]
    private static partial void Defragmented(ILogger logger, string member, long bytes, long used);

    [LoggerMessage(5322, LogLevel.Warning, "etcd at {Where} could not be compacted now, it is done after the next snapshot: {Why}")]
    private static partial void NotDone(ILogger logger, string where, string why);

    [LoggerMessage(5323, LogLevel.Warning, "etcd member {Member} could not be defragmented now, it is done after the next snapshot: {Why}")]
    private static partial void NotDefragmented(ILogger logger, string member, string why);

    [LoggerMessage(5324, LogLevel.Warning, "etcd member {Member} holds unused space, of {Bytes} bytes {Used} are used, and only root may have it given back. Remedy: etcdctl defrag, now and then")]
    private static partial void MayNotDefragment(ILogger logger, string member, long bytes, long used);
}
