using Npgsql;

namespace DChat.Storage.Postgres;

/// <summary>Connections for one purpose, to the host in use. Every one is opened through the gate.</summary>
/// <param name="build">Makes a source for each host of the URL.</param>
internal sealed class PostgresPool(Func<NpgsqlDataSource[]> build, PostgresGate gate) : IAsyncDisposable
{
    /// <summary>Calls that were given up and have not come to their end for which others get connections instead.</summary>
    private const int GivenUpMost = 16;

    private readonly Lock _lock = new();
    private readonly List<Task> _givenUp = [];
    private volatile NpgsqlDataSource[] _hosts = build();

    /// <exception cref="Core.Messages.MessageStoreUnavailableException">Nobody is let in now.</exception>
    /// <exception cref="NpgsqlException">There is none to be had.</exception>
    public async ValueTask<NpgsqlConnection> OpenAsync(CancellationToken cancellation)
    {
        var host = await gate.EnterAsync(cancellation);
        NpgsqlDataSource source;
        NpgsqlConnection connection;
        while (true)
        {
            source = _hosts[host];
            try
            {
                connection = await source.OpenConnectionAsync(cancellation);
                break;
            }
            catch (ObjectDisposedException) when (source != _hosts[host])
            {
                // It was replaced just now.
            }
            catch (NpgsqlException error)
            {
                gate.Failed(host, error);
                throw;
            }
        }

        if (!PostgresLine.IsStandby(connection))
        {
            return connection;
        }

        source.Clear(); // It would say so still when it has been promoted.
        await connection.DisposeAsync();
        var standby = new StandbyException();
        gate.Failed(host, standby);
        throw standby;
    }

    /// <summary>Whoever wants a connection to a host from now on gets a new one.</summary>
    public void Clear(int host) => _hosts[host].Clear();

    /// <summary>Connections that are in use now end when they are given back.</summary>
    public void Clear() => Array.ForEach(_hosts, host => host.Clear());

    /// <summary>
    /// Nobody waits for a call any more, and its connection must not be cut by asking the server to cancel what runs there. It ends by itself, or with its server,
    /// and takes nobody's place meanwhile: whoever comes gets connections of a new source.
    /// </summary>
    public void GiveUp(Task call)
    {
        NpgsqlDataSource[] before;
        lock (_lock)
        {
            _givenUp.RemoveAll(each => each.IsCompleted);
            if (call.IsCompleted || _givenUp.Count >= GivenUpMost)
            {
                return;
            }

            _givenUp.Add(call);
            before = _hosts;
            _hosts = build();
        }

        Array.ForEach(before, host => host.Dispose());
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var host in _hosts)
        {
            await host.DisposeAsync();
        }
    }
}

/// <summary>The host in use cannot be written any more: another one is the primary, or will be.</summary>
internal sealed class StandbyException() : NpgsqlException("it is a standby, which cannot be written");
