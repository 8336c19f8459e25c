namespace DChat.Server.Cli;

/// <summary>Whether the engines that keep files can keep them where the options say. Looks, and leaves nothing behind.</summary>
internal static class EnginePaths
{
    private sealed record Place(string Flag, EngineUrl Url, bool IsFolder)
    {
        public string Where => $"{Flag} {Url}";

        public string Path { get; } = System.IO.Path.GetFullPath(Url.Path);
    }

    /// <exception cref="ConfigurationException">Names flag, value and remedy.</exception>
    public static void Check(ServerOptions options)
    {
        var places = Places(options).ToArray();
        foreach (var (i, place) in places.Index())
        {
            if (places[..i].FirstOrDefault(other => other.Path == place.Path) is { } same)
            {
                throw new ConfigurationException(place.Where, $"{same.Flag} is there already", $"give {same.Flag} and {place.Flag} a path each");
            }

            try
            {
                TryToWrite(place);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new ConfigurationException(place.Where, $"it can not be written there: {e.Message}", $"give a path that this user may write, with {place.Flag}");
            }
        }
    }

    private static IEnumerable<Place> Places(ServerOptions options)
    {
        if (options.IsCoordinator && !options.SharesLog)
        {
            yield return new Place("--log", options.Log ?? new EngineUrl("sqlite", options.LogPath), IsFolder: false);
        }

        if (options.IsWorker && options.Store is null or { Scheme: "sqlite" })
        {
            yield return new Place("--store", options.Store ?? new EngineUrl("sqlite", options.StorePath), IsFolder: false);
        }

        if (options.Blobs?.S3 is null)
        {
            yield return new Place("--blobs", options.Blobs ?? new EngineUrl("file", options.BlobsPath), IsFolder: true);
        }
    }

    private static void TryToWrite(Place place)
    {
        if (place.IsFolder ? File.Exists(place.Path) : Directory.Exists(place.Path))
        {
            throw new IOException(place.IsFolder ? "it is a file, not a folder" : "it is a folder, not a file");
        }

        if (File.Exists(place.Path))
        {
            File.Open(place.Path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete).Dispose();
            return;
        }

        // What is missing is made at the start, in the nearest folder that is there.
        var folder = place.IsFolder ? place.Path : Path.GetDirectoryName(place.Path)!;
        while (!Directory.Exists(folder))
        {
            folder = File.Exists(folder)
                ? throw new IOException($"'{folder}' is a file, not a folder")
                : Path.GetDirectoryName(folder) ?? throw new IOException("there is no such place");
        }

        new FileStream(Path.Combine(folder, $"write-check-{Guid.NewGuid():N}.tmp"), FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose).Dispose();
    }
}
