using System.Net;
using System.Net.Sockets;
using DChat.Server.Cli;

namespace DChat.Server.Security;

/// <summary>
/// Slows down who guesses passwords: after so many failed logins of an account, or from an address, each further one must wait,
/// each time twice as long. An attempt counts as failed from its beginning until it has succeeded, so guesses at the same time gain nothing.
/// </summary>
public sealed class LoginLimits(LimitsOptions limits, TimeProvider time)
{
    /// <summary>Accounts, and addresses, of which failures are remembered at least.</summary>
    private const int Remembered = 50_000;

    /// <summary>Failures are forgotten when this long none came, beyond the longest delay.</summary>
    private static readonly TimeSpan ForgetAfter = TimeSpan.FromMinutes(15);

    /// <summary>So many doublings pass any longest delay that can be set.</summary>
    private const int DoublingsMax = 20;

    private readonly Lock _lock = new();
    private readonly BoundedMap<Failures> _accounts = new(Remembered);
    private readonly BoundedMap<Failures> _addresses = new(Remembered);

    private readonly record struct Failures(int Count, DateTimeOffset Last);

    /// <summary>Begins an attempt, which counts as failed until <see cref="Succeeded"/>.</summary>
    /// <param name="wait">Where it answers false: how long to wait before the next attempt.</param>
    public bool TryBegin(string account, IPAddress? address, out TimeSpan wait)
    {
        var network = Network(address);
        lock (_lock)
        {
            var now = time.GetUtcNow();
            var ofAccount = Read(_accounts, account, now);
            var ofAddress = Read(_addresses, network, now);
            var until = Max(NextAt(ofAccount, limits.LoginAttemptsPerAccount), NextAt(ofAddress, limits.LoginAttemptsPerAddress));
            if (until > now)
            {
                wait = until - now;
                return false;
            }

            _accounts.Set(account, new Failures(ofAccount.Count + 1, now));
            _addresses.Set(network, new Failures(ofAddress.Count + 1, now));
            wait = TimeSpan.Zero;
            return true;
        }
    }

    /// <summary>The attempt was right: the account's failures are forgotten, the address's are as before it.</summary>
    public void Succeeded(string account, IPAddress? address)
    {
        var network = Network(address);
        lock (_lock)
        {
            _accounts.Remove(account);
            if (_addresses.TryGet(network, out var failures))
            {
                _addresses.Set(network, failures with { Count = failures.Count - 1 });
            }
        }
    }

    /// <summary>What counts as one address: an IPv4 address, or the /64 of an IPv6 one, all of which is one customer's.</summary>
    internal static string Network(IPAddress? address)
    {
        if (address is null || address.IsIPv4MappedToIPv6 || address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return address is null ? "" : (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString();
        }

        var bytes = address.GetAddressBytes();
        Array.Clear(bytes, 8, 8);
        return new IPAddress(bytes).ToString();
    }

    private Failures Read(BoundedMap<Failures> map, string key, DateTimeOffset now) =>
        map.TryGet(key, out var failures) && now - failures.Last < ForgetAfter + TimeSpan.FromSeconds(limits.LoginDelayMaxSeconds) ? failures : default;

    private DateTimeOffset NextAt(Failures failures, int free)
    {
        if (free == 0 || failures.Count < free)
        {
            return DateTimeOffset.MinValue;
        }

        var seconds = limits.LoginDelaySeconds * Math.Pow(2, Math.Min(failures.Count - free, DoublingsMax));
        return failures.Last + TimeSpan.FromSeconds(Math.Min(seconds, limits.LoginDelayMaxSeconds));
    }

    private static DateTimeOffset Max(DateTimeOffset a, DateTimeOffset b) => a > b ? a : b;
}
