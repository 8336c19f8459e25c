using DChat.Core.Blobs;
using DChat.Server.Blobs;
using DChat.Storage.S3;

namespace DChat.Server.Cli.Recovery;

/// <summary>Where backups and snapshots are: folders and buckets, named as <c>--blobs</c> is.</summary>
internal static class Places
{
    private static readonly Setting Blobs = Settings.All.Single(setting => setting.Key == "blobs");

    /// <exception cref="ConfigurationException">It is no such place.</exception>
    public static EngineUrl Parse(string flag, string text)
    {
        try
        {
            return Blobs.Set(new ServerOptions(), text).Blobs!;
        }
        catch (Exception error) when (error is FormatException or BadUrlException)
        {
            throw new ConfigurationException($"{flag} \"{S3Url.Mask(text)}\"", error is BadUrlException ? error.Message : $"it is not {Blobs.Expected}", $"give {Blobs.Expected}");
        }
    }

    public static EngineUrl OfBlobs(ServerOptions options) => options.Blobs ?? new EngineUrl("file", options.BlobsPath);

    /// <summary>Opens what must be there already.</summary>
    /// <exception cref="ConfigurationException">The folder is not.</exception>
    public static IBlobStore OpenExisting(string flag, EngineUrl place, string remedy, ILoggerFactory logs) => place.S3 is null && !Directory.Exists(place.Path)
        ? throw new ConfigurationException($"{flag} {place}", "there is no such folder", remedy)
        : BlobStores.Open(place, logs);

    public static bool IsSame(EngineUrl one, EngineUrl other) => (one.S3, other.S3) switch
    {
        ({ } a, { } b) => a.Place == b.Place && a.Endpoint == b.Endpoint,
        (null, null) => Full(one) == Full(other),
        _ => false,
    };

    /// <summary>Whether one lies in the other, or is it.</summary>
    public static bool Overlap(EngineUrl one, EngineUrl other) => (one.S3, other.S3) switch
    {
        ({ } a, { } b) => a.Bucket == b.Bucket && a.Endpoint == b.Endpoint && IsIn(a.Prefix, b.Prefix),
        (null, null) => IsIn(Full(one) + Path.DirectorySeparatorChar, Full(other) + Path.DirectorySeparatorChar),
        _ => false,
    };

    private static bool IsIn(string a, string b) => a.StartsWith(b, StringComparison.Ordinal) || b.StartsWith(a, StringComparison.Ordinal);

    private static string Full(EngineUrl place) => Path.TrimEndingDirectorySeparator(Path.GetFullPath(place.Path));
}
