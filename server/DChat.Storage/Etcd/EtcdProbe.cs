using System.Globalization;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using DChat.Core.ControlLog;
using DChat.Storage.Files;

namespace DChat.Storage.Etcd;

/// <summary>Looks whether a coordinator can keep its log in an etcd, and says in words of its operator what is in the way.</summary>
public static class EtcdProbe
{
    /// <summary>The first release whose JSON gateway is at <c>/v3/</c>.</summary>
    public static readonly Version OldestVersion = new(3, 4);

    /// <summary>An etcd that starts, or has no majority yet, looks like one that is not there: it is waited for so long.</summary>
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <summary>What is wrong, and what to do about it.</summary>
    /// <param name="Passes">A coordinator can run, and should: it mends that.</param>
    public readonly record struct Finding(string Problem, string Remedy, bool Passes = false);

    /// <summary>Null where all is well.</summary>
    /// <param name="waits">Told once, with the reason, when it has to be waited for: 10 s at most.</param>
    public static async Task<Finding?> LookAsync(EtcdUrl url, TimeProvider time, Action<string> waits)
    {
        if (LookAtFiles(url) is { } missing)
        {
            return missing;
        }

        EtcdClient client;
        try
        {
            client = new EtcdClient(url, time);
        }
        catch (Exception failure) when (failure is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            return new Finding($"its certificates cannot be used: {failure.Message}", "give PEM files: ca=FILE the authority, cert=FILE the certificate to show with its chain, key=FILE its private key");
        }

        using (client)
        {
            var started = time.GetTimestamp();
            for (var isSaid = false; ;)
            {
                var (finding, mayPass) = await LookOnceAsync(client, url);
                if (finding is null || !mayPass || time.GetElapsedTime(started) > StartLimit)
                {
                    return finding;
                }

                if (!isSaid)
                {
                    isSaid = true;
                    waits(finding.Value.Problem);
                }

                await Task.Delay(Pause, time);
            }
        }
    }

    private static Finding? LookAtFiles(EtcdUrl url)
    {
        if (url.User is null)
        {
            return null;
        }

        try
        {
            if (url.PassFile is { } file && PrivateFile.IsOpenToOthers(file))
            {
                return new Finding($"others than its owner can read '{file}'", $"chmod 600 '{file}'");
            }

            return EtcdClient.Password(url).Length > 0 ? null : NoPassword(url);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return new Finding($"the password cannot be read: {failure.Message}", "name a file with it by passfile=FILE, readable for this user only");
        }
    }

    private static Finding NoPassword(EtcdUrl url) => new(
        $"there is no password for \"{url.User}\"", $"put it into the file that passfile=FILE names, or into {EtcdUrl.PasswordVariable}");

    private static async Task<(Finding? Finding, bool MayPass)> LookOnceAsync(EtcdClient client, EtcdUrl url)
    {
        var away = new List<string>();
        foreach (var member in url.Endpoints)
        {
            try
            {
                var status = await client.StatusAsync(member, CancellationToken.None);
                if (!Version.TryParse(status.Version, out var version) || version < OldestVersion)
                {
                    return (TooOld(member, status.Version ?? "none that it tells"), false);
                }
            }
            catch (Exception failure) when (EtcdClient.IsFailure(failure))
            {
                if (failure is EtcdRefusedException { IsNotPermitted: true })
                {
                    continue; // Some releases tell how a member stands to root alone. It answers where none that is too old does.
                }

                if (Explain(failure, member, url) is { } finding)
                {
                    return (finding, false);
                }

                away.Add($"{member.Authority}: {failure.GetBaseException().Message}");
            }
        }

        if (away.Count == url.Endpoints.Count)
        {
            return (new Finding($"no member answers ({string.Join("; ", away)})", "start etcd, or check hosts, ports and what is between: firewalls, security groups"), true);
        }

        try
        {
            await client.TryAccessAsync(new EtcdKeys(url.Prefix), CancellationToken.None);
            return (null, false);
        }
        catch (Exception failure) when (EtcdClient.IsFailure(failure) || failure is ControlLogUnavailableException)
        {
            var cause = failure is ControlLogUnavailableException { InnerException: { } inner } ? inner : failure;
            return Explain(cause, url.Endpoints[0], url) is { } finding
                ? (finding, false)
                : (new Finding($"it has no majority: {cause.GetBaseException().Message}{(away.Count > 0 ? $" ({string.Join("; ", away)})" : "")}", "start its other members; more than half must be up"), true);
        }
    }

    private static Finding TooOld(Uri member, string version) => new(
        string.Create(CultureInfo.InvariantCulture, $"{member.Authority} runs etcd {version}, which is too old"),
        $"upgrade it to {OldestVersion} or later");

    /// <summary>Null where it may pass by itself.</summary>
    private static Finding? Explain(Exception failure, Uri member, EtcdUrl url)
    {
        var what = failure.GetBaseException();
        return failure switch
        {
            EtcdRefusedException { IsTooOld: true } => TooOld(member, $"before {OldestVersion}"),
            EtcdRefusedException { IsWrongPassword: true } => new(
                $"it does not let \"{url.User}\" in: {what.Message}", $"check the user, and the password in {(url.PassFile is { } file ? $"'{file}'" : EtcdUrl.PasswordVariable)}"),
            EtcdRefusedException { IsCommonName: true } => new(
                "where users sign in, its gateway takes no client certificate that has a common name", "give one in cert=FILE whose subject is empty; subject alternative names do no harm"),
            EtcdRefusedException { IsUserMissing: true } => new(
                "it asks who comes, and no user is given", "give one: etcd://USER@HOST:PORT/PREFIX?passfile=FILE"),
            EtcdRefusedException { IsAuthenticationOff: true } => new(
                $"it lets everybody in: the user \"{url.User}\" is not asked for", "turn authentication on (etcdctl auth enable), or leave the user out"),
            EtcdRefusedException { Code: EtcdRefusedException.PermissionDenied } => new(
                $"{(url.User is null ? "nobody" : $"\"{url.User}\"")} may not read and write \"{url.Prefix}/\"",
                $"grant it to a role of the user: etcdctl role grant-permission ROLE readwrite {url.Prefix}/ --prefix"),
            HttpRequestException { HttpRequestError: HttpRequestError.ResponseEnded or HttpRequestError.InvalidResponse } when member.Scheme == Uri.UriSchemeHttp => new(
                $"{member.Authority} ends the connection without an answer: it may speak TLS only", "name the authority that signed its certificate with ca=FILE, or say tls=on"),
            EtcdRefusedException { IsFull: true } => new($"{EtcdFull.Problem} ({what.Message})", EtcdFull.Remedy, Passes: true),
            EtcdRefusedException { IsTemporary: false } => new($"it refuses: {what.Message}", "see etcd's log"),
            _ when what is SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData } => null,
            _ when Find<AuthenticationException>(failure) is { } tls => new(
                $"the TLS of {member.Authority} is not accepted: {tls.GetBaseException().Message}",
                "check that it speaks TLS, that ca=FILE is the authority that signed its certificate, and that the host's name is in that"),
            _ when url.Endpoints[0].Scheme == Uri.UriSchemeHttps && what is not SocketException and not TimeoutException => new(
                $"{member.Authority} ended the TLS connection: {what.Message}",
                url.CertificateFile is null ? "it may ask for a certificate: give cert=FILE and key=FILE" : "check that the authority it trusts signed the certificate in cert=FILE"),
            _ => null,
        };
    }

    private static T? Find<T>(Exception? failure)
        where T : Exception
    {
        while (failure is not null and not T)
        {
            failure = failure.InnerException;
        }

        return failure as T;
    }
}
