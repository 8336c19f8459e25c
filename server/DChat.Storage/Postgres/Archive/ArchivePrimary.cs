using DChat.Core.Messages;
using Npgsql;

namespace DChat.Storage.Postgres.Archive;

/// <summary>
/// Connections of one backup or restore, all to the same primary: a standby may lack what was acknowledged, and so may a primary that a fail-over left behind.
/// Of several hosts the one of the latest timeline is used, as servers do, and what follows goes on there or not at all.
/// </summary>
internal sealed class ArchivePrimary(PostgresUrl url) : IAsyncDisposable
{
    private readonly NpgsqlDataSource[] _hosts = PostgresSources.ForArchive(url);
    private readonly NpgsqlDataSource[] _looks = PostgresSources.ForLooks(url);
    private (int Host, PostgresLine Line)? _chosen;

    /// <summary>What to connect to, as it is now. What it leads to is seen by <see cref="OpenAsync"/> and <see cref="ConfirmAsync"/>.</summary>
    public async Task<NpgsqlDataSource> SourceAsync(CancellationToken cancellation)
    {
        await ConfirmAsync(cancellation);
        return _hosts[_chosen!.Value.Host];
    }

    /// <exception cref="MessageStoreUnavailableException">There is no primary, or another than at first.</exception>
    public async Task<NpgsqlConnection> OpenAsync(CancellationToken cancellation)
    {
        var (host, line) = _chosen ??= await LookAsync(cancellation);
        var connection = await _hosts[host].OpenConnectionAsync(cancellation);
        try
        {
            var found = await PostgresLine.ReadAsync(connection, cancellation);
            return found == (false, line) ? connection : throw Moved();
        }
        catch
        {
            _hosts[host].Clear();
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Looks at all hosts again.</summary>
    /// <exception cref="MessageStoreUnavailableException">Another would be chosen now: what was read may lack what was acknowledged.</exception>
    public async Task ConfirmAsync(CancellationToken cancellation)
    {
        var now = await LookAsync(cancellation);
        if (now != (_chosen ??= now))
        {
            throw Moved();
        }
    }

    /// <summary>No connection is kept that is not in use.</summary>
    public void Clear() => Array.ForEach(_hosts, host => host.Clear());

    public async ValueTask DisposeAsync()
    {
        foreach (var source in _hosts.Concat(_looks))
        {
            await source.DisposeAsync();
        }
    }

    private async Task<(int Host, PostgresLine Line)> LookAsync(CancellationToken cancellation)
    {
        var looks = await Task.WhenAll(_looks.Select((_, host) => LookAsync(host, cancellation)));
        (int Host, PostgresLine Line)? chosen = null;
        for (var host = 0; host < looks.Length; host++)
        {
            if (looks[host].Line is { } line && (chosen is not { } best || line.IsAfter(best.Line)))
            {
                chosen = (host, line);
            }
        }

        if (chosen is { } primary)
        {
            return primary;
        }

        var errors = Array.ConvertAll(looks, look => look.Error!);
        throw Array.Find(errors, error => error is not StandbyException) ?? PostgresFailures.Unavailable(
            $"{string.Join(" and ", url.Hosts)} {(errors.Length > 1 ? "are standbys" : "is a standby")}, which may lack what was acknowledged. Remedy: name the primary, or all hosts, separated by commas",
            errors[0],
            url);
    }

    private async Task<(PostgresLine? Line, Exception? Error)> LookAsync(int host, CancellationToken cancellation)
    {
        try
        {
            await using var connection = await _looks[host].OpenConnectionAsync(cancellation);
            var (isStandby, line) = await PostgresLine.ReadAsync(connection, cancellation);
            return isStandby ? (null, new StandbyException()) : (line, null);
        }
        catch (Exception error) when (PostgresFailures.Translate(error, url) is not null)
        {
            return (null, error);
        }
    }

    private MessageStoreUnavailableException Moved() => PostgresFailures.Unavailable(
        "its primary is another than when this began: a fail-over came between. Remedy: begin again", null, url);
}
