using System.Globalization;
using DChat.Core.Registry;
using DChat.Server.Cli;

namespace DChat.Server.Recovery.Backups;

/// <summary>Finds the backups of a place and reads the one that is wanted through. The others, which may be large, are only listed.</summary>
internal sealed class BackupSearch(BackupStore backups, string place, IProgressReport progress)
{
    /// <summary>The newest good one not after the moment.</summary>
    /// <exception cref="RestoreRefusedException">There is none.</exception>
    public async Task<BackupSource> ChooseAsync(List<(BackupName Name, long Size)> found, RestoreMoment moment, CancellationToken cancellation)
    {
        if (moment.Index is not null)
        {
            throw new RestoreRefusedException("A backup is chosen by its time: give --at a time.");
        }

        BackupSource? chosen = null;
        var damaged = 0;
        progress.Say($"{"BEGUN",-20} {"SIZE",10}");
        foreach (var (name, size) in found)
        {
            var verdict = "";
            if (chosen is null && moment.Reaches(0, name.StartedAt))
            {
                progress.Begin($"reading {name} through", size);
                try
                {
                    var (registry, end) = await backups.VerifyAsync(name, cancellation);
                    chosen = new BackupSource(backups, name, place, registry, end);
                    verdict = $"good, chosen: {BackupSource.ContentsOf(end)}";
                }
                catch (Exception error) when (error is BackupDamagedException or UnknownRegistryEventException)
                {
                    verdict = error is BackupDamagedException known ? $"damaged: {known.What}" : error.Message;
                    damaged++;
                }

                progress.End();
            }

            progress.Say(string.Create(CultureInfo.InvariantCulture, $"{name.StartedAt.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z {SizeText.Of(size),10}  {verdict}").TrimEnd());
        }

        return chosen ?? throw new RestoreRefusedException(
            damaged == 0 ? "No backup is that old. Give a later --at, or none for the newest."
            : $"No backup in {place} can be used. Where it is sealed by another cluster secret, give that one with --cluster-secret-file.");
    }
}
