using System.Collections.Immutable;
using System.Globalization;
using DChat.Protocol;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>Who is here, on the right: those online, those away, then the other members where they are few.</summary>
internal static class MembersPane
{
    /// <summary>Columns from which the beginning of a name says something.</summary>
    private const int AliasMin = 4;

    /// <param name="User">Null for a heading.</param>
    internal sealed record Entry(string Text, string? User = null, string? State = null, string Role = Roles.Member, string? Alias = null);

    public static ImmutableArray<Entry> Rows(Model model)
    {
        if (model.Chat.Room is not { } room)
        {
            return [];
        }

        var members = model.Chat.Pane.Members ?? [];
        var known = members.DistinctBy(m => m.User.ToLowerInvariant()).ToDictionary(m => m.User.ToLowerInvariant());
        var here = room.Presence.Select(p => (User: SafeText.Clean(p.Key), State: p.Value))
            .OrderBy(p => p.State == PresenceStates.Away)
            .ThenBy(p => p.User, StringComparer.OrdinalIgnoreCase)
            .Select(p => (p.User, p.State, Member: known.GetValueOrDefault(p.User.ToLowerInvariant())))
            .Select(p => new Entry(p.User, p.User, p.State, p.Member?.Role ?? Roles.Member, p.Member?.Alias))
            .ToList();
        var present = here.Select(e => e.User!).ToHashSet(StringComparer.OrdinalIgnoreCase);
        var others = members.Where(m => !present.Contains(m.User))
            .OrderBy(m => m.User, StringComparer.OrdinalIgnoreCase)
            .Select(m => new Entry(m.User, m.User, PresenceStates.Offline, m.Role, m.Alias))
            .ToList();
        List<Entry> rows = [new Entry(string.Create(CultureInfo.InvariantCulture, $"{(model.Chat.IsOnline ? "Here" : "Last here")}  {room.Online}")), .. here];
        if (others.Count > 0)
        {
            rows.Add(new Entry(""));
            rows.Add(new Entry(string.Create(CultureInfo.InvariantCulture, $"Elsewhere  {others.Count}")));
            rows.AddRange(others);
        }

        return [.. rows];
    }

    public static void Draw(Model model, Canvas canvas)
    {
        var theme = model.Theme;
        var rows = Rows(model);
        for (var y = 0; y < canvas.Size.Height && y < rows.Length; y++)
        {
            var row = rows[y];
            if (y == canvas.Size.Height - 1 && y < rows.Length - 1)
            {
                canvas.Write(1, y, string.Create(CultureInfo.InvariantCulture, $"… {rows.Length - y} more"), theme.Dim);
                return;
            }

            if (row.User is null)
            {
                canvas.Write(1, y, row.Text, theme.Dim);
                continue;
            }

            var (dot, dotStyle, name) = (model.Chat.IsOnline ? row.State : PresenceStates.Offline) switch
            {
                PresenceStates.Online => ("●", theme.Good, theme.Text),
                PresenceStates.Away => ("◐", theme.Dim, theme.Text),
                _ => ("○", theme.Dim, theme.Dim),
            };
            canvas.Write(1, y, dot, dotStyle);
            var mark = row.Role switch { Roles.Owner => "owner", Roles.Moderator => "mod", _ => "" };
            var width = canvas.Size.Width - 4 - (mark.Length > 0 ? mark.Length + 1 : 0);
            var used = canvas.Write(3, y, TextWidth.Truncate(row.Text, width), name) + 1;
            if (row.Alias is { } alias && width - used >= AliasMin)
            {
                canvas.Write(3 + used, y, TextWidth.Truncate(alias, width - used), theme.Dim);
            }

            canvas.Write(canvas.Size.Width - mark.Length - 1, y, mark, theme.Dim);
        }
    }
}
