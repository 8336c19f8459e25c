using DChat.Client;
using DChat.Protocol;

namespace DChat.Terminal.Invocation;

/// <summary>Which room a person means: an id, a name (with or without <c>#</c>), or <c>@user</c> for the direct room with somebody.</summary>
internal static class RoomNames
{
    /// <summary>Pages of a listing that are looked through before the text is taken for an id.</summary>
    private const int PagesMax = 5;

    public static async Task<string> ResolveAsync(ChatClient client, string text, CancellationToken cancel)
    {
        if (text.StartsWith('@'))
        {
            return (await client.OpenDirectAsync(text[1..], cancel)).Id;
        }

        List<RoomSummary> found = [];
        string? after = null;
        for (var page = 0; page < PagesMax; page++)
        {
            var listed = await client.ListRoomsAsync(text.TrimStart('#'), after, ProtocolLimits.PageMax, cancel);
            found.AddRange(listed.Rooms);
            after = listed.Next;
            if (after is null)
            {
                break;
            }
        }

        return Choose(text, found);
    }

    /// <summary>One's own rooms come before others of the same name; what fits none is an id.</summary>
    /// <exception cref="UsageException">Several fit.</exception>
    public static string Choose(string text, IReadOnlyList<RoomSummary> rooms)
    {
        var named = rooms.Where(room => IsNamed(room, text)).ToList();
        if (named.Count == 0 && text.StartsWith('#'))
        {
            named = [.. rooms.Where(room => IsNamed(room, text[1..]))];
        }

        var mine = named.Where(room => room.Joined).ToList();
        var candidates = mine.Count > 0 ? mine : named;
        return candidates.Count switch
        {
            0 => text,
            1 => candidates[0].Id,
            _ => throw new UsageException($"Several rooms are called '{text}'; name one by its id: {string.Join(", ", candidates.Select(room => room.Id))}"),
        };
    }

    private static bool IsNamed(RoomSummary room, string text) => string.Equals(room.Name, text.Trim(), StringComparison.OrdinalIgnoreCase);
}
