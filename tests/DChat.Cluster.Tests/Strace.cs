using System.Diagnostics;
using System.Runtime.InteropServices;
using DChat.TestKit;

namespace DChat.Cluster.Tests;

/// <summary>strace on a running process: it writes down system calls, or makes them fail. Detached when disposed.</summary>
internal sealed class Strace : IAsyncDisposable
{
    private const int SigInt = 2;
    private readonly TemporaryFolder _folder;
    private readonly Process _process;

    private Strace(TemporaryFolder folder, Process process)
    {
        _folder = folder;
        _process = process;
    }

    /// <summary>Returns when all threads of the process are traced.</summary>
    public static async Task<Strace> AttachAsync(int processId, params string[] options)
    {
        var folder = new TemporaryFolder();
        var process = new Process
        {
            StartInfo = new ProcessStartInfo("strace", ["--follow-forks", "--decode-fds=path", "--string-limit=200", "--output=" + folder["trace"], .. options, "--attach=" + processId])
            {
                RedirectStandardError = true,
            },
            EnableRaisingEvents = true,
        };
        var attached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var said = new List<string?>();
        process.ErrorDataReceived += (_, line) =>
        {
            said.Add(line.Data);
            if (line.Data?.Contains("attached", StringComparison.Ordinal) == true)
            {
                attached.TrySetResult();
            }
        };
        process.Exited += (_, _) => attached.TrySetException(new InvalidOperationException("strace ended: " + string.Join('\n', said)));
        process.Start();
        process.BeginErrorReadLine();
        var strace = new Strace(folder, process);
        try
        {
            await attached.Task.Within();
            return strace;
        }
        catch
        {
            await strace.DisposeAsync();
            throw;
        }
    }

    /// <summary>Lets the process go on alone, and answers what was written down.</summary>
    public async Task<string[]> DetachAsync()
    {
        if (!_process.HasExited)
        {
            Assert.Equal(0, Signal(_process.Id, SigInt));
            await _process.WaitForExitAsync().Within();
        }

        return File.Exists(_folder["trace"]) ? await File.ReadAllLinesAsync(_folder["trace"]) : [];
    }

    public async ValueTask DisposeAsync()
    {
        await DetachAsync();
        _process.Dispose();
        _folder.Dispose();
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int Signal(int processId, int signal);
}
