using System.Security.Cryptography;
using System.Text;
using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Storage.Files;

namespace DChat.Server.Coordinator;

/// <summary>What a leader sees to in an empty cluster: the first administrator and the first token-protection key.</summary>
internal sealed partial class ClusterBootstrap(
    RegistryReplica replica,
    CoordinatorOptions options,
    IPasswordHashing passwords,
    IProtectionKeyFactory keys,
    TimeProvider time,
    ILogger logger)
{
    public const string Admin = "admin";

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private const int PasswordLength = 20;
    private const int PasswordFileBytesMax = 1_024;

    // Without what is read as something else.
    private const string PasswordAlphabet = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

    /// <summary>The random password of the first administrator, where this process made the account; else null.</summary>
    public string? NewPassword { get; private set; }

    /// <summary>Makes the account <c>admin</c> in a registry without accounts.</summary>
    /// <exception cref="StartRefusedException">The password cannot be kept.</exception>
    public async Task EnsureAdminAsync(IRegistryCommands commands, CancellationToken cancellation)
    {
        if (replica.State.AccountCount > 0)
        {
            return;
        }

        var given = !string.IsNullOrEmpty(options.AdminPassword);
        var password = given ? options.AdminPassword! : KeepPassword();
        var id = Guid.NewGuid().ToString("N");
        await CarryOutAsync(commands, new CreateAccount(id, "", Now, Admin, null, passwords.Hash(Admin, password), Admin: true), "the first administrator", cancellation);
        NewPassword = given ? null : password;
        Log.AdminMade(logger, Admin, given ? "the given password" : $"the password in '{options.AdminPasswordPath}'");
    }

    /// <summary>Notes beside the log that it is not empty: should it be so one day, it was lost.</summary>
    /// <exception cref="StartRefusedException">That cannot be noted.</exception>
    public void NoteBegun()
    {
        try
        {
            if (options.BeganPath is { } path && !File.Exists(path))
            {
                PrivateFile.Create(path, "The control log of this cluster is not empty; see docs/adr/0023.\n"u8);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StartRefusedException($"'{options.BeganPath}' cannot be made: {error.Message}", error);
        }
    }

    /// <summary>Has a key added where one is due, now and then again, until cancelled.</summary>
    public async Task RotateKeysAsync(IRegistryCommands commands, Action first, CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(options.KeyCheckInterval, time);
        do
        {
            await EnsureKeyAsync(commands, cancellation);
            first();
        }
        while (await timer.WaitForNextTickAsync(cancellation));
    }

    private async Task EnsureKeyAsync(IRegistryCommands commands, CancellationToken cancellation)
    {
        if (keys.CreateIfDue(replica.State.ProtectionKeys, time.GetUtcNow()) is not { } key)
        {
            return;
        }

        var command = new AddProtectionKey("", "", Now, key.KeyId, key.Sealed, key.CreatedAt, key.ActivatesAt, key.ExpiresAt);
        await CarryOutAsync(commands, command, "a token-protection key", cancellation);
        Log.KeyMade(logger, key.KeyId, DateTimeOffset.FromUnixTimeMilliseconds(key.ExpiresAt));
    }

    /// <summary>Until it is carried out: the log may be slow. Where the term is lost this is cancelled, and the next leader sees to it.</summary>
    /// <param name="command">May be repeated.</param>
    private async Task CarryOutAsync(IRegistryCommands commands, Command command, string what, CancellationToken cancellation)
    {
        while ((await commands.SubmitAsync(command, cancellation)).Outcome is { IsOk: false } refused)
        {
            if (refused.Error != RefusalCodes.Unavailable)
            {
                throw new InvalidOperationException($"{what} could not be made: {refused.Error}: {refused.Text}");
            }

            Log.NotYet(logger, what);
            await Task.Delay(RetryAfter, time, cancellation);
        }
    }

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    // On the disk before the account is in the log: a password that nobody knows would lock everybody out.
    private string KeepPassword()
    {
        var path = options.AdminPasswordPath;
        try
        {
            if (File.Exists(path))
            {
                var kept = new FileInfo(path).Length <= PasswordFileBytesMax ? File.ReadAllText(path).Trim() : "";
                return kept.Length > 0 ? kept : throw new StartRefusedException($"'{path}' holds no password. Remedy: remove it; a new one is made.");
            }

            var password = RandomNumberGenerator.GetString(PasswordAlphabet, PasswordLength);
            PrivateFile.Create(path, Encoding.UTF8.GetBytes(password + "\n"));
            return password;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StartRefusedException($"The first administrator's password cannot be kept in '{path}': {error.Message}", error);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 2032, Level = LogLevel.Warning, Message = "The control log does not take {What} now; trying again")]
        public static partial void NotYet(ILogger logger, string what);

        [LoggerMessage(EventId = 2030, Level = LogLevel.Information, Message = "The account {Admin} was made with {Password}")]
        public static partial void AdminMade(ILogger logger, string admin, string password);

        [LoggerMessage(EventId = 2031, Level = LogLevel.Information, Message = "Token-protection key {KeyId} was made; it expires {ExpiresAt:u}")]
        public static partial void KeyMade(ILogger logger, string keyId, DateTimeOffset expiresAt);
    }
}
