using System.Globalization;
using System.Text;
using DChat.Core.Registry;

namespace DChat.Cluster.Tests.Registry;

/// <summary>What a room is and what commands are answered, as text that is equal where they are.</summary>
internal static class RoomText
{
    private const int MembersMax = 1_000;

    public static string Answer(Outcome outcome) => outcome.Error ?? $"ok {outcome.Result}".TrimEnd();

    /// <summary>What whoever reads a room sees.</summary>
    public static string Read(RegistryState state, string id)
    {
        if (state.FindRoom(id) is not { } room)
        {
            return "no room";
        }

        var text = new StringBuilder($"'{room.Name}' '{room.Topic}' slow {room.SlowModeSeconds.ToString(CultureInfo.InvariantCulture)}{(room.Archived ? " archived" : "")}:");
        foreach (var member in state.MembersPage(room, -1, MembersMax))
        {
            text.Append(CultureInfo.InvariantCulture, $" {member.User}={member.Role}{(member.MutedUntil > 0 ? $" muted {member.MutedUntil}" : "")}");
        }

        return text.AppendJoin("", state.BansPage(room, null, MembersMax).Select(ban => $" -{ban.User}")).ToString();
    }

    /// <summary>All upon which anything will ever be decided, that is, mutes of those who have left too.</summary>
    public static string All(RegistryState state, string id) => state.FindRoom(id) is { } room
        ? new StringBuilder(Read(state, id)).AppendJoin("", room.Mutes.After().Select(mute => string.Create(CultureInfo.InvariantCulture, $" ({mute.Account} muted {mute.Until})"))).ToString()
        : "no room";
}
