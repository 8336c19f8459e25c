using System.Text;
using DChat.Core.Blobs;

namespace DChat.Server.Coordinator.Snapshots;

/// <summary>
/// Which coordinator has led since, in a blob beside its snapshots: whoever would take the blob store over asks it whether it is gone. It stays when that
/// coordinator ends, and says nothing of whether it lives.
/// </summary>
internal static class LeaderNote
{
    public const string Blob = "leader";

    private const int SizeMax = 512;

    /// <param name="advertise">Where it is reached, <c>host:port</c>.</param>
    public static async Task WriteAsync(IBlobStore blobs, string advertise, CancellationToken cancellation)
    {
        using var content = new MemoryStream(Encoding.UTF8.GetBytes($"{advertise}\n"));
        await blobs.PutAsync(Blob, content, cancellation);
    }

    /// <returns>Where it is reached, <c>host:port</c>; null: nothing says it.</returns>
    public static async Task<string?> ReadAsync(IBlobStore blobs, CancellationToken cancellation)
    {
        await using var content = await blobs.OpenAsync(Blob, cancellation);
        if (content is null)
        {
            return null;
        }

        var bytes = new byte[SizeMax];
        var size = await content.Stream.ReadAtLeastAsync(bytes, SizeMax, throwOnEndOfStream: false, cancellation);
        var address = Encoding.UTF8.GetString(bytes, 0, size).Split('\n')[0];
        return Uri.TryCreate($"http://{address}/", UriKind.Absolute, out var url) && url.Authority.Length > 0 ? address : null;
    }
}
