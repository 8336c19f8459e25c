using System.Diagnostics;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Disk;

/// <summary>A file system of its own (tmpfs) that is small enough to fill. Mounting takes root, or sudo without a password.</summary>
internal sealed class SmallDisk : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Filler => Path.Combine(_folder.Path, "filler");

    /// <summary>A folder on it.</summary>
    public string Data => Path.Combine(_folder.Path, "data");

    public static async Task<SmallDisk> MountAsync(int mebibytes)
    {
        var disk = new SmallDisk();
        await RunAsync("mount", "-t", "tmpfs", "-o", $"size={mebibytes}m,mode=0777", "tmpfs", disk._folder.Path);
        return disk;
    }

    /// <summary>Takes all room that is left.</summary>
    public void Fill()
    {
        using var filler = new FileStream(Filler, FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
        foreach (var size in new[] { 64 * 1024, 4 * 1024, 1 })
        {
            try
            {
                while (true)
                {
                    filler.Write(new byte[size]);
                }
            }
            catch (IOException)
            {
                // So much does not fit any more.
            }
        }
    }

    public void MakeRoom() => File.Delete(Filler);

    /// <summary>Nobody may have a file open for writing on it.</summary>
    public Task RemountAsync(bool readOnly) => RunAsync("mount", "-o", readOnly ? "remount,ro" : "remount,rw", _folder.Path);

    public async ValueTask DisposeAsync()
    {
        await RunAsync("umount", _folder.Path);
        _folder.Dispose();
    }

    private static async Task RunAsync(params string[] command)
    {
        string[] all = Environment.UserName == "root" ? command : ["sudo", "-n", .. command];
        using var process = Process.Start(new ProcessStartInfo(all[0], all[1..]) { RedirectStandardError = true })!;
        var errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().Within();
        Assert.True(process.ExitCode == 0, $"{string.Join(' ', all)}: {errors}");
    }
}
