namespace DChat.Storage.Files;

/// <summary>
/// Removes unfinished files that a killed process left. Whoever still writes one holds it open, which locks it, so it is no leftover.
/// </summary>
public static class Leftovers
{
    /// <summary>Removes the files of a folder whose names match, unless they are held; nothing happens where there is no such folder.</summary>
    public static void Remove(string folder, string pattern)
    {
        if (Directory.Exists(folder))
        {
            foreach (var file in Directory.EnumerateFiles(folder, pattern))
            {
                RemoveUnlessHeld(file);
            }
        }
    }

    internal static void RemoveUnlessHeld(string path)
    {
        try
        {
            new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose).Dispose();
        }
        catch (IOException)
        {
            // Gone already, or another process is writing it: then it is no leftover.
        }
        catch (UnauthorizedAccessException)
        {
            // Another user's; it takes room but harms nothing.
        }
    }
}
