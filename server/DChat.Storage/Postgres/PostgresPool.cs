using Npgsql;

namespace DChat.Storage.Postgres;

/// <summary>Connections for one purpose, to the host in use. Every one is opened through the gate.</summary>
/// <param name="hosts">A source for each host of the URL; the pool's own from now on.</param>
internal sealed class PostgresPool(NpgsqlDataSource[] hosts, PostgresGate gate) : IAsyncDisposable
{
    /// <exception cref="Core.Messages.MessageStoreUnavailableException">Nobody is let in now.</exception>
    /// <exception cref="NpgsqlException">There is none to be had.</exception>
    public async ValueTask<NpgsqlConnection> OpenAsync(CancellationToken cancellation)
    {
        var host = await gate.EnterAsync(cancellation);
        NpgsqlConnection connection;
        try
        {
            connection = await hosts[host].OpenConnectionAsync(cancellation);
        }
        catch (NpgsqlException error)
        {
            gate.Failed(host, error);
            throw;
        }

        if (!PostgresLine.IsStandby(connection))
        {
            return connection;
        }

        hosts[host].Clear(); // It would say so still when it has been promoted.
        await connection.DisposeAsync();
        var standby = new StandbyException();
        gate.Failed(host, standby);
        throw standby;
    }

    /// <summary>Whoever wants a connection to a host from now on gets a new one.</summary>
    public void Clear(int host) => hosts[host].Clear();

    /// <summary>Connections that are in use now end when they are given back.</summary>
    public void Clear() => Array.ForEach(hosts, host => host.Clear());

    public async ValueTask DisposeAsync()
    {
        foreach (var host in hosts)
        {
            await host.DisposeAsync();
        }
    }
}

/// <summary>The host in use cannot be written any more: another one is the primary, or will be.</summary>
internal sealed class StandbyException() : NpgsqlException("it is a standby, which cannot be written");
