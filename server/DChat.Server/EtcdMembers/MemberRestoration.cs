using DChat.Core.ControlLog;
using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Storage.Etcd;

namespace DChat.Server.EtcdMembers;

/// <summary>
/// Begins a coordinators' etcd that has one member, this coordinator's, so that a restored log can be put into it; the others are added to it
/// when it runs. Until that is done no coordinator starts on it.
/// </summary>
internal static class MemberRestoration
{
    private static readonly TimeSpan ReadyLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <exception cref="ConfigurationException">A member's data is there already.</exception>
    public static void RefuseUsed(ServerOptions options)
    {
        var member = MemberOptions.Of(options);
        if (Directory.Exists(member.Folder) && !File.Exists(member.RestoringPath) && Directory.EnumerateFileSystemEntries(member.Folder).Any())
        {
            throw new ConfigurationException(
                $"--data {options.Data}", $"it holds what the etcd of {options.Node} had, in '{member.Folder}', and a restore overwrites nothing", "give an empty --data folder, or move that one away, on the machines of all coordinators");
        }
    }

    /// <param name="fill">Puts the log into it.</param>
    /// <exception cref="StartRefusedException">etcd does not start.</exception>
    public static async Task BeginAsync(ServerOptions options, ClusterSecret secret, TimeProvider time, ILoggerFactory logs, Func<EtcdUrl, Task> fill, CancellationToken cancellation)
    {
        var member = MemberOptions.Of(options);
        member.MakeFolder();
        await File.WriteAllTextAsync(member.RestoringPath, "", cancellation); // Before all else.
        RemoveUnmarked(member); // Of a restore that was interrupted.
        var note = MemberNote.New(member.Self);
        try
        {
            member.WriteCertificates(secret);
            await using (var process = new MemberProcess(member, new BeginStep($"{member.Self.Name}={member.Self.Url}", IsNew: true, note.Nonce), time, logs.CreateLogger<MemberProcess>()))
            {
                await AgreeAsync(process, member, time, cancellation);
                await fill(member.LogUrl);
            }
        }
        catch
        {
            RemoveUnmarked(member);
            File.Delete(member.RestoringPath);
            Directory.Delete(member.Folder);
            throw;
        }

        (note with { HasRun = true }).Write(member.NotePath);
        File.Delete(member.RestoringPath); // After all else: now a coordinator may start.
    }

    /// <summary>Removes all but the mark, which says what the rest is for as long as there is any.</summary>
    private static void RemoveUnmarked(MemberOptions member)
    {
        foreach (var entry in new DirectoryInfo(member.Folder).GetFileSystemInfos().Where(entry => entry.FullName != member.RestoringPath))
        {
            if (entry is DirectoryInfo folder)
            {
                folder.Delete(recursive: true);
            }
            else
            {
                entry.Delete();
            }
        }
    }

    private static async Task AgreeAsync(MemberProcess process, MemberOptions member, TimeProvider time, CancellationToken cancellation)
    {
        using var membership = new EtcdMembership(member.LogUrl, time);
        for (var started = time.GetTimestamp(); ;)
        {
            try
            {
                await membership.AgreeAsync(cancellation);
                process.WasReady();
                return;
            }
            catch (ControlLogUnavailableException) when (time.GetElapsedTime(started) < ReadyLimit)
            {
                if (await Task.WhenAny(process.Completion, Task.Delay(Pause, time, cancellation)) == process.Completion)
                {
                    await process.Completion;
                }

                cancellation.ThrowIfCancellationRequested();
            }
        }
    }
}
