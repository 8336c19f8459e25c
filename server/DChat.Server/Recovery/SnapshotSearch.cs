using System.Globalization;
using DChat.Core.Blobs;
using DChat.Core.Registry;
using DChat.Server.Cli;
using DChat.Server.Coordinator.Snapshots;

namespace DChat.Server.Recovery;

/// <summary>Finds the snapshots of a blob store, checks each, and says what they are.</summary>
internal sealed class SnapshotSearch(SnapshotStore snapshots, IBlobStore blobs, string place, IProgressReport progress)
{
    /// <summary>
    /// The newest good one not after the moment, by the time that is sealed into it: that of the blob is another's, where the blobs were copied. One of a version that
    /// does not say its time goes by the blob's.
    /// </summary>
    /// <exception cref="RestoreRefusedException">There is none.</exception>
    public async Task<SnapshotSource> ChooseAsync(List<StoredSnapshot> found, RestoreMoment moment, CancellationToken cancellation)
    {
        SnapshotSource? chosen = null;
        var opened = 0;
        progress.Say($"{"INDEX",-20} {"WRITTEN",-20} {"SIZE",10}");
        foreach (var (name, storedAt, size) in found)
        {
            string verdict;
            var writtenAt = storedAt;
            progress.Begin($"checking snapshot {name.Index}", size);
            try
            {
                writtenAt = await snapshots.VerifyAsync(name, cancellation) ?? storedAt;
                if (chosen is null && moment.Reaches(name.Index, writtenAt))
                {
                    progress.Begin($"reading snapshot {name.Index}", size);
                    chosen = new SnapshotSource(name, await snapshots.ReadAsync(name, cancellation), found[0].Name.Index, blobs, place);
                    verdict = "good, chosen";
                }
                else
                {
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
