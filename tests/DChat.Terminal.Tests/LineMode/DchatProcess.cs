using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using DChat.TestKit;

namespace DChat.Terminal.Tests.LineMode;

/// <summary>The real <c>dchat</c>, run as a shell runs it, with a home of its own.</summary>
internal sealed class DchatProcess : IDisposable
{
    public const string Password = "a long and good password";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(180);
    private static readonly string Binary = ServerBinary.Built("client/DChat.Terminal", "dchat");

    private readonly Process process;
    private readonly List<string> lines = [];
    private readonly Task reading;
    private readonly Task<string> errors;

    private DchatProcess(ProcessStartInfo start)
    {
        process = Process.Start(start)!;
        reading = ReadAsync();
        errors = process.StandardError.ReadToEndAsync();
    }

    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (lines)
            {
                return [.. lines];
            }
        }
    }

    public StreamWriter Input => process.StandardInput;

    /// <summary>Starts it and leaves it running.</summary>
    public static DchatProcess Start(string home, string[] arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(Binary, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
        };
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("DCHAT", StringComparison.OrdinalIgnoreCase)).ToArray())
        {
            start.Environment.Remove(name);
        }

        start.Environment["XDG_CONFIG_HOME"] = home;
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        return new DchatProcess(start);
    }

    /// <summary>Runs it to its end.</summary>
    public static async Task<Outcome> RunAsync(string home, string[] arguments, string? input = null, IReadOnlyDictionary<string, string>? environment = null)
    {
        using var running = Start(home, arguments, environment);
        if (input is not null)
        {
            await running.Input.WriteAsync(input).Within(Limit);
        }

        running.Input.Close();
        return await running.FinishAsync();
    }

    public async Task<Outcome> FinishAsync()
    {
        await process.WaitForExitAsync().Within(Limit);
        await reading.Within(Limit);
        return new Outcome(process.ExitCode, string.Join('\n', Lines), await errors.Within(Limit));
    }

    /// <summary>What Ctrl-C does.</summary>
    public void Interrupt() => Assert.Equal(0, Kill(process.Id, 2));

    public void Dispose()
    {
        if (!process.HasExited)
        {
            process.Kill();
        }

        process.Dispose();
    }

    private async Task ReadAsync()
    {
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            lock (lines)
            {
                lines.Add(line);
            }
        }
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int Kill(int processId, int signal);
}

internal sealed record Outcome(int ExitCode, string Output, string Error)
{
    public IReadOnlyList<JsonElement> Json => [.. Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
}
