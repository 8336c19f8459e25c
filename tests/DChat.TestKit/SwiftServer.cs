using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Amazon.Runtime;
using Amazon.S3;
using DChat.Storage.S3;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.TestKit;

/// <summary>
/// A real server that speaks S3: OpenStack Swift with its <c>s3api</c>, all of it in one process (<c>swift-server.py</c>), with its data in a
/// temporary folder and on free ports. It checks signatures, knows uploads in parts, presigned addresses and encryption (AES256). It can be
/// killed, frozen, and started again on the same data and ports.
/// </summary>
public sealed class SwiftServer : IAsyncDisposable
{
    public const string AccessKey = "test:owner";
    public const string Secret = "only+for/this=test";

    /// <summary>Somebody whom the server knows and who may use no bucket.</summary>
    public const string StrangersAccessKey = "test:stranger";

    public const string Region = "test-region-1";

    private const string Python = "/usr/bin/python3";
    private const string Script = "swift-server.py";
    private const int SigCont = 18;
    private const int SigStop = 19;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);

    private readonly TemporaryFolder _folder = new();
    private readonly int[] _ports = [FreePort.Next(), FreePort.Next(), FreePort.Next(), FreePort.Next()];
    private readonly ConcurrentQueue<string> _log = new();
    private readonly TestHost? _host;
    private Process? _process;

    private SwiftServer(TestHost? host) => _host = host;

    /// <summary>Where it runs; null: on this machine itself.</summary>
    public TestHost? Host => _host;

    public Uri Endpoint => new(string.Create(CultureInfo.InvariantCulture, $"http://{Address}:{_ports[0]}"));

    /// <summary>What it answered, one line a request: method, path with query, status. A line comes a little after the answer.</summary>
    public IReadOnlyList<string> Requests => [.. _log.Where(line => line.StartsWith("request ", StringComparison.Ordinal)).Select(line => line["request ".Length..])];

    /// <summary>By these variables the SDK finds the owner's credentials.</summary>
    public static IReadOnlyDictionary<string, string> Environment { get; } = new Dictionary<string, string>
    {
        ["AWS_ACCESS_KEY_ID"] = AccessKey,
        ["AWS_SECRET_ACCESS_KEY"] = Secret,
        ["AWS_EC2_METADATA_DISABLED"] = "true",
    };

    private string Address => _host?.Address ?? "127.0.0.1";

    /// <param name="host">Where it runs; null: on this machine itself.</param>
    public static async Task<SwiftServer> StartAsync(TestHost? host = null)
    {
        var server = new SwiftServer(host);
        try
        {
            await server.StartAgainAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>The <c>--blobs</c> of whoever uses it.</summary>
    /// <param name="more">Further parameters, such as <c>&amp;downloads=server</c>.</param>
    public string Url(string bucket, string more = "", string prefix = "dchat") => $"s3://{bucket}/{prefix}?endpoint={Endpoint.GetLeftPart(UriPartial.Authority)}&region={Region}{more}";

    /// <summary>Makes a bucket, the owner's own, and answers its name.</summary>
    public async Task<string> CreateBucketAsync(string name)
    {
        using var client = CreateClient();
        await client.PutBucketAsync(name);
        return name;
    }

    /// <summary>The SDK's own client, as the owner. The caller disposes it.</summary>
    public AmazonS3Client CreateClient() => new(
        new BasicAWSCredentials(AccessKey, Secret),
        new AmazonS3Config
        {
            ServiceURL = Endpoint.ToString(),
            AuthenticationRegion = Region,
            ForcePathStyle = true,
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        });

    /// <summary>What <c>--blobs</c> says, as the nodes have it; in this process, as the owner. The caller disposes it.</summary>
    public static S3BlobStore Open(string url)
    {
        foreach (var (name, value) in Environment)
        {
            System.Environment.SetEnvironmentVariable(name, value); // By which the SDK finds its credentials.
        }

        return S3BlobStore.Open(new S3BlobStoreOptions { Url = S3Url.Parse(url) }, NullLogger<S3BlobStore>.Instance);
    }

    /// <summary>Starts it, after an end, on the same data and ports.</summary>
    public async Task StartAgainAsync()
    {
        var script = Path.Combine(AppContext.BaseDirectory, Script);
        string[] arguments = [script, _folder.Path, Region, Secret, Address, .. _ports.Select(port => port.ToString(CultureInfo.InvariantCulture))];
        var (program, all) = _host?.Command(Python, arguments) is [var first, .. var rest] ? (first, rest) : (Python, arguments);
        var start = new ProcessStartInfo(program, all)
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            WorkingDirectory = "/",
        };
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var process = new Process { StartInfo = start, EnableRaisingEvents = true };
        process.OutputDataReceived += (_, line) => Take(line.Data);
        process.ErrorDataReceived += (_, line) => Take(line.Data);
        process.Exited += (_, _) => ready.TrySetException(new InvalidOperationException($"Swift ended before it answered (is it installed? make deps):\n{string.Join('\n', _log.TakeLast(40))}"));
        process.Start();
        _process = process;
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        await ready.Task.Within(Limit);

        void Take(string? line)
        {
            _log.Enqueue(line ?? "");
            if (line == "ready")
            {
                ready.TrySetResult();
            }
        }
    }

    /// <summary>Ends it as <c>kill -9</c> does.</summary>
    public async Task KillAsync()
    {
        if (_process is { } process)
        {
            process.Kill();
            await process.WaitForExitAsync().Within(Limit);
            process.Dispose();
            _process = null;
        }
    }

    /// <summary>Connections stay, and nothing is answered.</summary>
    public void Freeze() => _ = Signal(_process!.Id, SigStop);

    public void Thaw() => _ = Signal(_process!.Id, SigCont);

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _folder.Dispose();
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int Signal(int processId, int signal);
}
