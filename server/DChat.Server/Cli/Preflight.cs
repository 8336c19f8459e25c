using System.Net;
using System.Net.Sockets;
using DChat.Server.Nodes;
using DChat.Storage.Etcd;
using DChat.Storage.Postgres;
using DChat.Storage.S3;

namespace DChat.Server.Cli;

/// <summary>
/// What must be right outside the process before it starts: the ports are free, the data folder
/// can be written and is nobody else's, and so can the engines' files.
/// </summary>
internal static class Preflight
{
    /// <summary>The file by which a data folder is held.</summary>
    public const string LockName = "lock";

    /// <summary>What the runtime reports of a file that another process holds: EWOULDBLOCK of Linux and macOS, a sharing violation of Windows.</summary>
    private static readonly int[] HeldByAnother = [11, 35, unchecked((int)0x8007_0020)];

    /// <summary>A bucket that is only away is warned of: files wait for it, chat does not.</summary>
    /// <returns>The hold on the data folder; it is the process's alone until that is disposed.</returns>
    /// <exception cref="ConfigurationException">Names flag, value and remedy.</exception>
    /// <exception cref="Coordinator.StartRefusedException">What is there is not this node's, or the secret may not be used.</exception>
    public static IDisposable Check(ServerOptions options) => Check(options, isTrial: false);

    private static FileStream Check(ServerOptions options, bool isTrial)
    {
        var data = HoldData(options.Data);
        try
        {
            EnginePaths.Check(options);
            if (options.IsWorker)
            {
                CheckPort("--host", options.Host, "--port", options.Port);
            }

            if (options.IsHost)
            {
                CheckStore(options.Store, isTrial ? TimeSpan.Zero : PostgresProbe.StartPatience);
            }

            if (options.IsCoordinator && options.SharesLog)
            {
                if (options.Peers is not null)
                {
                    MemberChecks.Preflight(options);
                }

                CheckSecretFile(options.ClusterSecretFile);
            }

            NodeSetup.CheckSecret(options);
            CheckTls(options, isTrial);
            if (options.IsCoordinator && options.SharesLog)
            {
                CheckLog(options.Log, isTrial);
            }

            CheckBlobs(options.Blobs, needsBlobs: isTrial);

            CheckPort("--node-host", options.NodeHost, "--node-port", options.EffectiveNodePort);
            if (options.Metrics is { } metrics)
            {
                var (host, port) = Listener(metrics);
                CheckPort("--metrics", host, "--metrics", port);
            }

            return data;
        }
        catch
        {
            data.Dispose();
            throw;
        }
    }

    /// <summary>The same, leaving nothing behind and waiting for no database.</summary>
    public static void Try(ServerOptions options)
    {
        var isThere = Directory.Exists(options.Data);
        try
        {
            Check(options, isTrial: true).Dispose();
        }
        finally
        {
            if (!isThere && Directory.Exists(options.Data))
            {
                File.Delete(Path.Combine(options.Data, LockName));
                Directory.Delete(options.Data);
            }
        }
    }

    /// <summary>The IP address that <c>--host</c> means.</summary>
    public static IPAddress Address(string host) => host switch
    {
        "*" => IPAddress.IPv6Any,
        "localhost" => IPAddress.Loopback,
        _ => IPAddress.Parse(host),
    };

    /// <summary>Whether text is <c>address:port</c>, the address an IP address or <c>*</c>, the port 1 to 65,535.</summary>
    public static bool IsListener(string text) => IPEndPoint.TryParse(WithAddress(text), out var endpoint) && endpoint.Port > 0;

    /// <summary>What <c>address:port</c> means, as host and port.</summary>
    public static (string Host, int Port) Listener(string text)
    {
        var endpoint = IPEndPoint.Parse(WithAddress(text));
        return (text.StartsWith('*') ? "*" : endpoint.Address.ToString(), endpoint.Port);
    }

    private static string WithAddress(string text) => text.StartsWith("*:", StringComparison.Ordinal) ? "[::]" + text[1..] : text;

    /// <summary>The error of a port or address on which the server can not listen.</summary>
    public static ConfigurationException CannotListen(string hostFlag, string host, string portFlag, int port, SocketError error) => error switch
    {
        SocketError.AddressAlreadyInUse => new ConfigurationException($"{portFlag} {port}", $"the port is in use on {host}", $"stop the program that listens there, or give another {portFlag} (0 picks a free one)"),
        SocketError.AccessDenied => new ConfigurationException($"{portFlag} {port}", "this user may not listen there", $"give a {portFlag} above 1023"),
        SocketError.AddressNotAvailable => new ConfigurationException($"{hostFlag} {host}", "this machine has no such address", $"give one of this machine's addresses, or {hostFlag} '*' for all"),
        _ => new ConfigurationException($"{hostFlag} {host} {portFlag} {port}", $"can not listen there: {error}", $"give another {hostFlag} or {portFlag}"),
    };

    internal static void CheckPort(string hostFlag, string host, string portFlag, int port)
    {
        if (Listening(host, port) is { } error)
        {
            throw CannotListen(hostFlag, host, portFlag, port, error);
        }
    }

    /// <summary>Why this process could not listen there; null: it could.</summary>
    internal static SocketError? Listening(string host, int port)
    {
        try
        {
            var address = Address(host);
            using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            if (host == "*")
            {
                socket.DualMode = true;
            }

            socket.Bind(new IPEndPoint(address, port));
            return null;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode;
        }
    }

    private static void CheckStore(EngineUrl? store, TimeSpan patience)
    {
        if (store?.Postgres is not { } url)
        {
            return;
        }

        void Wait(string why) => Console.Error.WriteLine($"dchat-server: waiting up to {patience.TotalSeconds:0} s for PostgreSQL at {url}: {why}");
        if (PostgresProbe.LookAsync(url, patience, TimeProvider.System, Wait).GetAwaiter().GetResult() is { } finding)
        {
            throw new ConfigurationException($"--store {url}", finding.Problem, finding.Remedy);
        }
    }

    private static void CheckSecretFile(string? file)
    {
        if (file is not null && !File.Exists(file))
        {
            throw new ConfigurationException($"--cluster-secret-file {file}", "there is no such file", $"{ConfigurationReader.MakeSecret(file)} and copy it to every node");
        }
    }

    /// <summary>A certificate that has expired keeps no people from a server that is everything, and is warned of.</summary>
    private static void CheckTls(ServerOptions options, bool isTrial)
    {
        if (NodeTls.Load(options)?.FindTrouble() is not { } trouble)
        {
            return;
        }

        var what = $"--node-tls-certificate {options.NodeTlsCertificate}";
        var problem = $"nodes with --node-tls-ca {options.NodeTlsCa} would not take it: {trouble}";
        if (isTrial)
        {
            throw new ConfigurationException(what, problem, "give a certificate that this authority signed and that is valid now");
        }

        Console.Error.WriteLine($"dchat-server: warning: {what}: {problem}.");
    }

    private static void CheckLog(EngineUrl? log, bool isTrial)
    {
        var look = log?.Etcd is { } url
            ? EtcdProbe.LookAsync(url, TimeProvider.System, why => Console.Error.WriteLine($"dchat-server: waiting for etcd at {url}: {why}")).GetAwaiter().GetResult()
            : null;
        if (look is not { } finding)
        {
            return;
        }

        if (isTrial || !finding.Passes)
        {
            throw new ConfigurationException($"--log {log}", finding.Problem, finding.Remedy);
        }

        Console.Error.WriteLine($"dchat-server: warning: --log {log}: {finding.Problem}; {finding.Remedy}.");
    }

    private static void CheckBlobs(EngineUrl? blobs, bool needsBlobs)
    {
        if (blobs?.S3 is not { } url || S3Probe.LookAsync(new S3BlobStoreOptions { Url = url }).GetAwaiter().GetResult() is not { } finding)
        {
            return;
        }

        if (needsBlobs || !finding.Passes)
        {
            throw new ConfigurationException($"--blobs {url}", finding.Problem, finding.Remedy);
        }

        Console.Error.WriteLine($"dchat-server: warning: --blobs {url.Place}: {finding.Problem}; {finding.Remedy}. Files and snapshots wait for it.");
    }

    private static void MakeForOwnerOnly(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
        }
        else
        {
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    /// <summary>The folder is this process's alone until that is disposed; it is made where it is missing.</summary>
    /// <exception cref="ConfigurationException">Another process has it, or it cannot be written.</exception>
    public static FileStream HoldData(string folder)
    {
        try
        {
            MakeForOwnerOnly(folder);
            return new FileStream(Path.Combine(folder, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (HeldByAnother.Contains(e.HResult))
        {
            throw new ConfigurationException($"--data {folder}", "another dchat-server uses this folder", "stop it, or give another --data");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"--data {folder}", $"the folder can not be written: {e.Message}", "give a folder that this user may write, with --data");
        }
    }
}
