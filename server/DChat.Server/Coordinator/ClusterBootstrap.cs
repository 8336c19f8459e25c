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

    private const int PasswordLength = 20;
    private const int PasswordFileBytesMax = 1_024;

    // Without what is read as something else.
    private const string PasswordAlphabet = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

    /// <summary>The random password of the first administrator, where this process made the account; else null.</summary>
    public string? NewPassword { get; private set; }

    /// <summary>Makes the account <c>admin</c> in a registry without accounts.</summary>
    /// <returns>False where the leader did not carry it out: the term is lost.</returns>
    /// <exception cref="StartRefusedException">The password cannot be kept.</exception>
    public async Task<bool> EnsureAdminAsync(IRegistryCommands commands, CancellationToken cancellation)
    {
        if (replica.State.AccountCount > 0)
        {
            return true;
        }

        var given = !string.IsNullOrEmpty(options.AdminPassword);
        var password = given ? options.AdminPassword! : KeepPassword();
        var command = new CreateAccount("", "", Now, Admin, null, passwords.Hash(Admin, password), Admin: true);
        var outcome = (await commands.SubmitAsync(command, cancellation)).Outcome;
        if (!CarriedOut(outcome, "the first administrator"))
        {
            return false;
        }

        NewPassword = given ? null : password;
        Log.AdminMade(logger, Admin, given ? "the given password" : $"the password in '{options.AdminPasswordPath}'");
        return true;
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
            if (await EnsureKeyAsync(commands, cancellation))
            {
                first();
            }
        }
        while (await timer.WaitForNextTickAsync(cancellation));
    }

    private async Task<bool> EnsureKeyAsync(IRegistryCommands commands, CancellationToken cancellation)
    {
        if (keys.CreateIfDue(replica.State.ProtectionKeys, time.GetUtcNow()) is not { } key)
        {
            return true;
        }

        var command = new AddProtectionKey("", "", Now, key.KeyId, key.Sealed, key.CreatedAt, key.ActivatesAt, key.ExpiresAt);
        var outcome = (await commands.SubmitAsync(command, cancellation)).Outcome;
        if (!CarriedOut(outcome, "a token-protection key"))
        {
            return false;
        }

        Log.KeyMade(logger, key.KeyId, DateTimeOffset.FromUnixTimeMilliseconds(key.ExpiresAt));
        return true;
    }

    /// <summary>False where the term is lost: the next leader sees to it. Any other refusal is a mistake of this program.</summary>
    private static bool CarriedOut(Outcome outcome, string what) =>
        outcome.IsOk
        || (outcome.Error == RefusalCodes.Unavailable
            ? false
            : throw new InvalidOperationException($"{what} could not be made: {outcome.Error}: {outcome.Text}"));

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
        [LoggerMessage(EventId = 2030, Level = LogLevel.Information, Message = "The account {Admin} was made with {Password}")]
        public static partial void AdminMade(ILogger logger, string admin, string password);

        [LoggerMessage(EventId = 2031, Level = LogLevel.Information, Message = "Token-protection key {KeyId} was made; it expires {ExpiresAt:u}")]
        public static partial void KeyMade(ILogger logger, string keyId, DateTimeOffset expiresAt);
    }
}
