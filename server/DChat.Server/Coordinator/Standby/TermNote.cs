using System.Globalization;

namespace DChat.Server.Coordinator.Standby;

/// <summary>The latest term in which this node led, kept in its folder. A note that is missing or old costs the wait for a lease, and nothing else.</summary>
/// <param name="path">Null: nothing is kept.</param>
internal sealed class TermNote(string? path)
{
    /// <summary>0: none is known.</summary>
    public long Read()
    {
        try
        {
            return path is not null && long.TryParse(File.ReadAllText(path), NumberStyles.None, CultureInfo.InvariantCulture, out var term) ? term : 0;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    public void Write(long term)
    {
        try
        {
            if (path is not null)
            {
                File.WriteAllText(path, term.ToString(CultureInfo.InvariantCulture));
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The note of before names a term that is over.
        }
    }
}
