using System.Collections;
using System.Net;
using DChat.Core.Rooms;
using DChat.Server.Coordinator;
using DChat.Server.Nodes;
using DChat.Storage.Postgres;
using DChat.Storage.S3;

namespace DChat.Server.Cli;

/// <summary>Merges flags, environment and file into <see cref="ServerOptions"/>, and finds everything that is wrong at once.</summary>
public static class ConfigurationReader
{
    private sealed record Given(Setting Setting, string Value, string Origin);

    /// <param name="flags">Values by flag, as given on the command line; <c>--config</c> included.</param>
    /// <param name="environment">All environment variables.</param>
    /// <exception cref="ConfigurationException">Names each flag, value and remedy.</exception>
    public static Configuration Read(IReadOnlyDictionary<string, string> flags, IDictionary environment)
    {
        var errors = new List<ConfigurationError>();
        var file = flags.GetValueOrDefault(Settings.ConfigFlag) ?? environment[Settings.ConfigVariable] as string;

        var given = new Dictionary<string, Given>(StringComparer.Ordinal);
        foreach (var source in new[] { FromFile(file, errors), FromEnvironment(environment, errors), FromFlags(flags, errors) })
        {
            foreach (var value in source)
            {
                given[value.Setting.Key] = value;
            }
        }

        var options = new ServerOptions();
        foreach (var value in given.Values)
        {
            options = Apply(options, value, errors);
        }

        CheckTogether(options, errors);
        CheckMode(options, given.Values, errors);
        MemberChecks.Check(options, given.Values.Select(value => (value.Setting, value.Origin)), errors);
        CheckAdminPassword(options, environment[Settings.AdminPasswordVariable] as string, errors);
        return errors.Count == 0
            ? new Configuration(options, Settings.All.ToDictionary(setting => setting.Key, setting => given.TryGetValue(setting.Key, out var value) ? value.Origin : "default", StringComparer.Ordinal))
            : throw new ConfigurationException(errors);
    }

    private static List<Given> FromFlags(IReadOnlyDictionary<string, string> flags, List<ConfigurationError> errors)
    {
        var found = new List<Given>();
        foreach (var setting in Settings.All)
        {
            if (!flags.TryGetValue(setting.Flag, out var value))
            {
                continue;
            }

            if (setting.Secret)
            {
                errors.Add(new ConfigurationError(setting.Flag, "a secret is not taken from the command line, which every user of this machine can read", $"set {setting.Variable}, or \"{setting.Key}\" in a --config file that only you can read"));
                continue;
            }

            found.Add(new Given(setting, value, $"flag {setting.Flag}"));
        }

        return found;
    }

    private static List<Given> FromEnvironment(IDictionary environment, List<ConfigurationError> errors)
    {
        var found = new List<Given>();
        var known = Settings.All.ToDictionary(setting => setting.Variable, StringComparer.OrdinalIgnoreCase);
        foreach (var name in environment.Keys.OfType<string>().Order(StringComparer.Ordinal))
        {
            if (!name.StartsWith(Settings.VariablePrefix, StringComparison.OrdinalIgnoreCase) || name.Equals(Settings.ConfigVariable, StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            if (known.TryGetValue(name, out var setting))
            {
                found.Add(new Given(setting, environment[name] as string ?? "", $"environment {name}"));
            }
            else
            {
                errors.Add(new ConfigurationError($"environment {name}", "there is no such setting", $"unset it{Suggestion.For(name.ToUpperInvariant(), known.Keys)}"));
            }
        }

        return found;
    }

    private static List<Given> FromFile(string? path, List<ConfigurationError> errors)
    {
        if (path is null)
        {
            return [];
        }

        try
        {
            var found = new List<Given>();
            var known = Settings.All.ToDictionary(setting => setting.Key, StringComparer.OrdinalIgnoreCase);
            foreach (var (key, value) in ConfigurationFile.Read(path))
            {
                if (known.TryGetValue(key, out var setting))
                {
                    found.Add(new Given(setting, value, $"file {path}"));
                }
                else
                {
                    errors.Add(new ConfigurationError($"{Settings.ConfigFlag} {path}", $"\"{key}\" is not a setting", $"remove it{Suggestion.For(key, known.Keys)}"));
                }
            }

            return found;
        }
        catch (ConfigurationException e)
        {
            errors.AddRange(e.Errors);
            return [];
        }
    }

    private static ServerOptions Apply(ServerOptions options, Given given, List<ConfigurationError> errors)
    {
        var setting = given.Setting;
        var where = $"{setting.Flag} (from {given.Origin})";
        var shown = setting.Secret ? "the value given" : $"\"{PostgresUrl.Mask(S3Url.Mask(given.Value))}\"";
        try
        {
            return setting.Set(options, given.Value);
        }
        catch (FormatException)
        {
            errors.Add(new ConfigurationError(where, $"{shown} is not {setting.Expected}", $"give {setting.Expected}, or leave it out for the default"));
        }
        catch (BadUrlException e)
        {
            errors.Add(new ConfigurationError(where, $"{shown}: {e.Message}", $"use {setting.Expected}, or leave it out for the default"));
        }

        return options;
    }

    internal static string MakeSecret(string file) => $"make it once (umask 077; head -c 32 /dev/urandom | base64 >{file})";

    /// <summary>What no single value shows.</summary>
    private static void CheckTogether(ServerOptions options, List<ConfigurationError> errors)
    {
        if (options.Mode == ServerMode.Worker && options.Coordinators.Length == 0)
        {
            errors.Add(new ConfigurationError("--coordinators", "a worker needs to know where the coordinators are", "give --coordinators HOST:NODEPORT, or run everything in one process with --mode all"));
        }

        if (options.Mode != ServerMode.Worker && options.Coordinators.Length > 0)
        {
            errors.Add(new ConfigurationError("--coordinators", $"it is for workers, and the mode is {options.Mode.ToString().ToLowerInvariant()}", "give --mode worker, or leave it out"));
        }

        if (options.Mode != ServerMode.All && options.EffectiveNodePort == 0)
        {
            errors.Add(new ConfigurationError("--node-port", "other nodes must know the port, and 0 picks any", "give --node-port N"));
        }

        CheckSecretIsGiven(options, errors);

        if (options.ClusterSecretFile is not null && options.ClusterSecret is not null)
        {
            errors.Add(new ConfigurationError("--cluster-secret-file", "the secret is given twice, here and by DCHAT__CLUSTERSECRET", "give one of them"));
        }

        if (new[] { options.NodeTlsCertificate, options.NodeTlsKey, options.NodeTlsCa }.Count(file => file is not null) is 1 or 2)
        {
            errors.Add(new ConfigurationError("--node-tls-certificate, --node-tls-key, --node-tls-ca", "TLS between nodes needs all three", "give all three, or none"));
        }

        if (options.EffectiveNodePort > 65_535)
        {
            errors.Add(new ConfigurationError("--node-port", $"--port + 1 is {options.EffectiveNodePort}, which is no port", "give --node-port N"));
        }
        else if (options.IsWorker && options.Port != 0 && options.Port == options.EffectiveNodePort && Overlap(options.Host, options.NodeHost))
        {
            errors.Add(new ConfigurationError("--node-port", $"{options.Port} is the port for clients already (--port)", "give another --node-port"));
        }

        if (Reach.OfUnreached(options) is { } others)
        {
            errors.Add(new ConfigurationError("--advertise", $"{others} would look for this node at {options.EffectiveAdvertise}, which is their own machine", "give --node-host with an address of this machine that they reach, or --advertise HOST:NODEPORT"));
        }

        if (options.Limits.LoginDelayMaxSeconds < options.Limits.LoginDelaySeconds)
        {
            errors.Add(new ConfigurationError("--limits-login-delay-max-seconds", $"{options.Limits.LoginDelayMaxSeconds} is less than --limits-login-delay-seconds, {options.Limits.LoginDelaySeconds}", "give at least as much"));
        }
    }

    /// <summary>Who makes no cluster secret of its own is given one: by a flag, a variable, or where it would be looked for.</summary>
    private static void CheckSecretIsGiven(ServerOptions options, List<ConfigurationError> errors)
    {
        var place = NodeSetup.SecretPath(options);
        if (options.ClusterSecretFile is not null || options.ClusterSecret is not null || File.Exists(place))
        {
            return;
        }

        var ways = $"name the copy with --cluster-secret-file FILE, lay it down as {place}, or set DCHAT__CLUSTERSECRET to what is in it";
        if (options.Mode == ServerMode.Worker)
        {
            errors.Add(new ConfigurationError("--cluster-secret-file", "a worker proves itself by the coordinators' cluster secret", $"copy the coordinator's DATA/cluster-secret here (mode 0600), and {ways}"));
        }
        else if (options.SharesLog)
        {
            errors.Add(new ConfigurationError("--cluster-secret-file", "coordinators that share a log share the cluster secret, so none of them makes one of its own", $"{MakeSecret("FILE")}, copy it to every node (mode 0600), and {ways}"));
        }
    }

    /// <summary>What is given and would do nothing in this mode.</summary>
    private static void CheckMode(ServerOptions options, IEnumerable<Given> given, List<ConfigurationError> errors)
    {
        if (options.Mode != ServerMode.Coordinator)
        {
            return;
        }

        foreach (var value in given.Where(value => value.Setting.Key is "host" or "port"))
        {
            errors.Add(new ConfigurationError(
                $"{value.Setting.Flag} {value.Value} (from {value.Origin})",
                "a coordinator has no port for clients: they connect to workers",
                $"leave it out; where the coordinator listens for nodes is --node-host and --node-port"));
        }
    }

    private static void CheckAdminPassword(ServerOptions options, string? password, List<ConfigurationError> errors)
    {
        if (options.IsCoordinator && !string.IsNullOrEmpty(password) && PasswordStrength.Check(password, ClusterBootstrap.Admin) is not null)
        {
            errors.Add(new ConfigurationError(
                $"environment {Settings.AdminPasswordVariable}",
                "the password given is too weak",
                $"give {PasswordStrength.MinLength} to {PasswordStrength.MaxLength} characters that are not among the commonest passwords, or unset it for a random one"));
        }
    }

    /// <summary>Whether a port of the one address is also one of the other.</summary>
    private static bool Overlap(string host, string other)
    {
        var (a, b) = (Preflight.Address(host), Preflight.Address(other));
        return a.Equals(b) || IsEvery(a) || IsEvery(b);
    }

    private static bool IsEvery(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);
}
