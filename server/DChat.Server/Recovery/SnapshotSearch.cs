using System.Globalization;
using DChat.Core.Blobs;
using DChat.Core.Registry;
using DChat.Server.Cli;
using DChat.Server.Coordinator.Snapshots;

namespace DChat.Server.Recovery;

/// <summary>Finds the snapshots of a blob store, checks each, and says what they are.</summary>
internal sealed class SnapshotSearch(SnapshotStore snapshots, IBlobStore blobs, string place, IProgressReport progress)
{
    /// <summary>The newest good one not after the moment.</summary>
    /// <exception cref="RestoreRefusedException">There is none.</exception>
    public async Task<SnapshotSource> ChooseAsync(List<StoredSnapshot> found, RestoreMoment moment, CancellationToken cancellation)
    {
        SnapshotSource? chosen = null;
        var opened = 0;
        progress.Say($"{"INDEX",-20} {"WRITTEN",-20} {"SIZE",10}");
        foreach (var (name, writtenAt, size) in found)
        {
            string verdict;
            progress.Begin($"checking snapshot {name.Index}", size);
            try
            {
                if (chosen is null && moment.Reaches(name.Index, writtenAt))
                {
                    chosen = new SnapshotSource(name, await snapshots.ReadAsync(name, cancellation), found[0].Name.Index, blobs, place);
                    verdict = "good, chosen";
                }
                else
                {
                    await snapshots.VerifyAsync(name, cancellation);
                    verdict = "good";
                }

                opened++;
            }
            catch (SnapshotDamagedException error)
            {
                verdict = $"damaged: {error.What}";
            }
            catch (UnknownRegistryEventException error)
            {
                verdict = error.Message;
                opened++;
            }

            progress.End();
            var made = name.IsRestored ? "made by a restore" : $"term {name.Term}";
            progress.Say(string.Create(CultureInfo.InvariantCulture, $"{name.Index,-20} {writtenAt.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z {SizeText.Of(size),10}  {made}, {verdict}"));
        }

        return chosen ?? throw new RestoreRefusedException(
            opened == 0 ? $"None of the {found.Count} snapshots in {place} can be opened. Where all of them are sealed by another cluster secret, give that one with --cluster-secret-file."
            : "No good snapshot is that old. Give a later --at, or none for the newest.");
    }
}
