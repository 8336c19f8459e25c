using DChat.Storage.Files;

namespace DChat.Server.Cli.Recovery;

/// <summary>Folders that work may make, so that they can be taken away again where nothing came of it.</summary>
internal sealed class FoldersMade(params string[] folders)
{
    private readonly List<string> _missing = [.. folders.Select(Path.GetFullPath).Where(folder => !Directory.Exists(folder)).Select(Topmost).Distinct(StringComparer.Ordinal)];

    /// <summary>Removes those that were not there before and hold no file, but the lock of who worked.</summary>
    public void RemoveEmpty()
    {
        foreach (var folder in _missing)
        {
            try
            {
                RemoveEmpty(folder);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // Somebody else uses it, or took it away: why the work failed is what matters.
                continue;
            }
        }
    }

    private static void RemoveEmpty(string folder)
    {
        if (Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Any(file => Path.GetFileName(file) != Preflight.LockName))
        {
            return;
        }

        foreach (var each in Directory.GetDirectories(folder, "*", SearchOption.AllDirectories).Append(folder).OrderByDescending(each => each.Length))
        {
            Leftovers.Remove(each, Preflight.LockName);
            Directory.Delete(each);
        }
    }

    /// <summary>Its parents are made with it.</summary>
    private static string Topmost(string missing) => Path.GetDirectoryName(missing) is { } parent && !Directory.Exists(parent) ? Topmost(parent) : missing;
}
