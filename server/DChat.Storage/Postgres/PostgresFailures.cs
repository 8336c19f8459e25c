using System.IO;
using System.Net.Sockets;
using System.Security.Authentication;
using DChat.Core.Messages;
using Npgsql;
using Polly.CircuitBreaker;

namespace DChat.Storage.Postgres;

/// <summary>What PostgreSQL's errors mean to the caller of the port. No message holds more of the URL than <see cref="PostgresUrl.ToString"/>.</summary>
internal static class PostgresFailures
{
    /// <summary>The port's exception, or null for a mistake of the program, which goes on as it is.</summary>
    public static Exception? Translate(Exception error, PostgresUrl url) => error switch
    {
        PostgresException { SqlState: PostgresErrorCodes.DataCorrupted or PostgresErrorCodes.IndexCorrupted } damage => Damaged(damage, url),
        PostgresException
        {
            SqlState: PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedFunction or PostgresErrorCodes.UndefinedColumn
                or PostgresErrorCodes.InvalidSchemaName,
        } missing => Damaged(missing, url),
        PostgresException refused => IsMistake(refused.SqlState) ? null : Unavailable($"{refused.MessageText} ({refused.SqlState})", refused, url),
        NpgsqlException or SocketException or IOException or TimeoutException or AuthenticationException =>
            Unavailable(error.InnerException is { } inner && inner.Message != error.Message ? $"{error.Message}: {inner.Message}" : error.Message, error, url),
        BrokenCircuitException => Unavailable("it does not answer", error, url),
        _ => null,
    };

    /// <summary>Whether another attempt, on another connection, may go well at once.</summary>
    public static bool IsPassing(Exception error) => error switch
    {
        PostgresException refused => refused.IsTransient && refused.SqlState is not (PostgresErrorCodes.QueryCanceled or PostgresErrorCodes.LockNotAvailable
            or PostgresErrorCodes.DiskFull or PostgresErrorCodes.OutOfMemory),
        NpgsqlException { InnerException: TimeoutException } => false,
        NpgsqlException => true,
        _ => false,
    };

    /// <summary>A host lets nobody in: it starts, stops, recovers, cannot be written, or is not there.</summary>
    public static bool IsRefusal(Exception error) => error switch
    {
        PostgresException refused => refused.SqlState is PostgresErrorCodes.CannotConnectNow or PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown,
        StandbyException => true,
        NpgsqlException => error.InnerException is SocketException or IOException,
        _ => false,
    };

    /// <summary>A host did not answer in time whoever wanted a connection. (A pool in which none comes free says nothing about the host.)</summary>
    public static bool IsSilence(Exception error) =>
        error is NpgsqlException { InnerException: TimeoutException } && !error.Message.Contains("pool has been exhausted", StringComparison.Ordinal);

    /// <summary>It cannot be written, says the server: it is a standby, or somebody has decided so.</summary>
    public static bool IsReadOnly(Exception error) => error is StandbyException or PostgresException { SqlState: PostgresErrorCodes.ReadOnlySqlTransaction };

    /// <summary>It took too long, as whatever waits for a standby that follows no more.</summary>
    public static bool IsLate(Exception error) => error switch
    {
        PostgresException refused => refused.SqlState is PostgresErrorCodes.QueryCanceled or PostgresErrorCodes.LockNotAvailable,
        NpgsqlException => error.InnerException is TimeoutException,
        _ => error is TimeoutException,
    };

    public static MessageStoreUnavailableException Unavailable(string why, Exception? error, PostgresUrl url) =>
        new($"'{url}' cannot be used now: {why}", error);

    // 21, 22, 23, 42: what was asked for was nonsense. A right that is taken away is the world's doing.
    private static bool IsMistake(string state) =>
        state != PostgresErrorCodes.InsufficientPrivilege && state[..2] is "21" or "22" or "23" or "42";

    private static MessageStoreDamagedException Damaged(PostgresException error, PostgresUrl url) => new(
        $"the message store '{url}' is damaged ({error.MessageText}, {error.SqlState}). Remedy: stop the servers, keep a copy of the database, and restore it from a backup",
        error);
}
