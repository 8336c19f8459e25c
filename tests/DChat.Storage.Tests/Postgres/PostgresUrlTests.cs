using System.Net.Sockets;
using DChat.Core.Messages;
using DChat.Storage.Postgres;
using Npgsql;

namespace DChat.Storage.Tests.Postgres;

public sealed class PostgresUrlTests
{
    [Theory]
    [InlineData("postgres://u@h/d", "h:5432", "u", "d", null, SslMode.Require)]
    [InlineData("postgres://u:p%40%3A%2Fw@h:6432/d", "h:6432", "u", "d", "p@:/w", SslMode.Require)]
    [InlineData("postgres://u@localhost/d", "localhost:5432", "u", "d", null, SslMode.Disable)]
    [InlineData("postgres://u@[::1]:5433/d", "[::1]:5433", "u", "d", null, SslMode.Disable)]
    [InlineData("postgres://u@%2Fvar%2Frun%2Fpostgresql/d", "/var/run/postgresql:5432", "u", "d", null, SslMode.Disable)]
    [InlineData("postgres://u@a,b:5433/d?sslmode=verify-full", "a:5432,b:5433", "u", "d", null, SslMode.VerifyFull)]
    public void A_url_says_where_and_as_whom(string text, string hosts, string user, string database, string? password, SslMode tls)
    {
        var url = PostgresUrl.Parse(text);
        Assert.Equal((hosts, user, database), (string.Join(',', url.Hosts), url.User, url.Database));
        Assert.Equal((password, tls), (url.Settings.Password, url.Settings.SslMode));
    }

    [Theory]
    [InlineData("postgres://h/d", "user")]
    [InlineData("postgres://u@h", "database")]
    [InlineData("postgres://u@/d", "host")]
    [InlineData("postgres://u@h:0/d", "port")]
    [InlineData("postgres://u@h:x/d", "port")]
    [InlineData("postgres://u@h/d?sslmode=maybe", "sslmode")]
    [InlineData("postgres://u@h/d?color=red", "color")]
    [InlineData("postgres://u@h/d?connections=5", "connections")]
    [InlineData("mysql://u@h/d", "postgres://")]
    public void A_wrong_url_says_what_is_wrong(string text, string expected) =>
        Assert.Contains(expected, Assert.Throws<FormatException>(() => PostgresUrl.Parse(text)).Message);

    [Theory]
    [InlineData("postgres://u:secret@h/d", "postgres://u:********@h/d")]
    [InlineData("postgres://u:sec@ret@h/d", "postgres://u:********@h/d")]
    [InlineData("postgres://u@h:5432/d", "postgres://u@h:5432/d")]
    [InlineData("sqlite:a@b", "sqlite:a@b")]
    public void A_password_is_never_shown(string text, string shown) => Assert.Equal(shown, PostgresUrl.Mask(text));

    [Theory]
    [InlineData(PostgresErrorCodes.DiskFull, typeof(MessageStoreUnavailableException))]
    [InlineData(PostgresErrorCodes.TooManyConnections, typeof(MessageStoreUnavailableException))]
    [InlineData(PostgresErrorCodes.AdminShutdown, typeof(MessageStoreUnavailableException))]
    [InlineData(PostgresErrorCodes.CannotConnectNow, typeof(MessageStoreUnavailableException))]
    [InlineData(PostgresErrorCodes.ReadOnlySqlTransaction, typeof(MessageStoreUnavailableException))]
    [InlineData(PostgresErrorCodes.SerializationFailure, typeof(MessageStoreUnavailableException))]
    [InlineData(PostgresErrorCodes.DeadlockDetected, typeof(MessageStoreUnavailableException))]
    [InlineData(PostgresErrorCodes.QueryCanceled, typeof(MessageStoreUnavailableException))]
    [InlineData(PostgresErrorCodes.LockNotAvailable, typeof(MessageStoreUnavailableException))]
    [InlineData(PostgresErrorCodes.InvalidPassword, typeof(MessageStoreUnavailableException))]
    [InlineData(PostgresErrorCodes.InsufficientPrivilege, typeof(MessageStoreUnavailableException))]
    [InlineData(PostgresErrorCodes.DataCorrupted, typeof(MessageStoreDamagedException))]
    [InlineData(PostgresErrorCodes.UndefinedTable, typeof(MessageStoreDamagedException))]
    [InlineData(PostgresErrorCodes.UniqueViolation, null)]
    [InlineData(PostgresErrorCodes.SyntaxError, null)]
    public void Each_error_means_something_to_the_caller(string state, Type? expected)
    {
        var url = PostgresUrl.Parse("postgres://u:secret@h/d");
        var meaning = PostgresFailures.Translate(new PostgresException("it failed", "ERROR", "ERROR", state), url);
        Assert.Equal(expected, meaning?.GetType());
        Assert.DoesNotContain("secret", meaning?.ToString() ?? "");
    }

    [Fact]
    public void A_broken_connection_is_no_mistake_of_the_program() => Assert.IsType<MessageStoreUnavailableException>(
        PostgresFailures.Translate(new NpgsqlException("broken", new SocketException()), PostgresUrl.Parse("postgres://u@h/d")));
}
