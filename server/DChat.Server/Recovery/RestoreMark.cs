using System.Globalization;
using System.Text;
using DChat.Core.Blobs;

namespace DChat.Server.Recovery;

/// <summary>
/// What the blob says that lies in a cluster's blob store from the beginning of a restore to its end: which message store it fills. A repeat
/// knows by it what it may empty.
/// </summary>
/// <param name="Store">The id that the store has when it is filled.</param>
/// <param name="Epoch">At which its rooms stand until somebody opens them.</param>
internal sealed record RestoreMark(string Store, long Epoch)
{
    public const string Blob = "restore-unfinished";

    private const int SizeMax = 4096;
    private const string Line = "store ";

    /// <param name="source">What is restored, for people.</param>
    /// <param name="mark">Null: the store holds nothing of this yet.</param>
    public static async Task WriteAsync(IBlobStore blobs, string source, RestoreMark? mark, CancellationToken cancellation)
    {
        var store = mark is null ? "" : string.Create(CultureInfo.InvariantCulture, $"{Line}{mark.Store} {mark.Epoch}\n");
        using var content = new MemoryStream(Encoding.UTF8.GetBytes($"{store}from {source}\n"));
        await blobs.PutAsync(Blob, content, cancellation);
    }

    /// <returns>Null where there is none, or it names no store.</returns>
    public static async Task<RestoreMark?> ReadAsync(IBlobStore blobs, CancellationToken cancellation)
    {
        await using var content = await blobs.OpenAsync(Blob, cancellation);
        if (content is null)
        {
            return null;
        }

        var bytes = new byte[SizeMax];
        var size = await content.Stream.ReadAtLeastAsync(bytes, SizeMax, throwOnEndOfStream: false, cancellation);
        var first = Encoding.UTF8.GetString(bytes, 0, size).Split('\n')[0];
        return first.StartsWith(Line, StringComparison.Ordinal) && first[Line.Length..].Split(' ') is [{ Length: > 0 } store, var epoch]
            && long.TryParse(epoch, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? new RestoreMark(store, number)
            : null;
    }
}
