using System.Collections.Immutable;
using DChat.Client.Rooms;
using DChat.Protocol;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>A room as the screen shows it: a snapshot. Its names and texts are safe to draw, but for the messages'.</summary>
internal sealed record RoomView
{
    public required string Id { get; init; }

    /// <summary>Its name, or the other's name in a direct room.</summary>
    public required string Title { get; init; }

    public bool IsDirect { get; init; }

    /// <summary>Known by name from the last time; the server did not tell of it yet.</summary>
    public bool IsPlaceholder { get; init; }

    public string Topic { get; init; } = "";

    public string Role { get; init; } = Roles.Member;

    public bool IsPrivate { get; init; }

    public bool HasPassword { get; init; }

    public bool Archived { get; init; }

    public int SlowModeSeconds { get; init; }

    public int Members { get; init; }

    public int Online { get; init; }

    /// <summary>By name; empty where too many are online.</summary>
    public IReadOnlyDictionary<string, string> Presence { get; init; } = ImmutableDictionary<string, string>.Empty;

    public ImmutableArray<string> Typing { get; init; } = [];

    /// <summary>Ascending by <c>seq</c>, an unbroken end of the room.</summary>
    public IReadOnlyList<Message> Messages { get; init; } = [];

    public bool HasOlder { get; init; }

    public long ReadSeq { get; init; }

    public long Unread { get; init; }

    public long Mentions { get; init; }

    public long NewestSeq => Messages.Count == 0 ? 0 : Messages[^1].Seq;

    public long OldestSeq => Messages.Count == 0 ? 0 : Messages[0].Seq;

    /// <summary>Unix milliseconds; 0 where nothing is known of it.</summary>
    public long LastActivity => Messages.Count == 0 ? 0 : Messages[^1].SentAt;

    /// <summary>How it is addressed: <c>#name</c>, or <c>@name</c> for a direct room.</summary>
    public string Address => (IsDirect ? "@" : "#") + Title;

    public bool CanModerate => Role is Roles.Owner or Roles.Moderator;

    public static RoomView Of(KnownRoom known) => new() { Id = known.Id, Title = SafeText.Clean(known.Title), IsDirect = known.IsDirect, IsPlaceholder = true };

    public static RoomView Of(ChatRoom room)
    {
        var info = room.Info;
        var direct = info.Kind == RoomKinds.Direct;
        return new RoomView
        {
            Id = info.Id,
            Title = SafeText.Clean(direct ? info.Peer : info.Name),
            IsDirect = direct,
            Topic = SafeText.Clean(info.Topic),
            Role = info.Role ?? Roles.Member,
            IsPrivate = info.Visibility == Visibilities.Private,
            HasPassword = info.HasPassword,
            Archived = info.Archived,
            SlowModeSeconds = info.SlowModeSeconds,
            Members = info.Members,
            Online = room.OnlineCount,
            Presence = room.Presence,
            Typing = [.. room.Typing.Select(SafeText.Clean)],
            Messages = room.Messages,
            HasOlder = room.HasOlder,
            ReadSeq = room.ReadSeq,
            Unread = room.Unread,
            Mentions = room.Mentions,
        };
    }

    public Message? Find(long seq)
    {
        var index = IndexOf(seq);
        return index < 0 ? null : Messages[index];
    }

    /// <summary>What follows from somebody themselves is not new to them: the last of it, or <paramref name="seq"/>.</summary>
    public long AfterOwn(long seq, string me)
    {
        for (var i = Math.Max(IndexOf(seq + 1), ~IndexOf(seq + 1)); i < Messages.Count && string.Equals(Messages[i].Author, me, StringComparison.OrdinalIgnoreCase); i++)
        {
            seq = Messages[i].Seq;
        }

        return seq;
    }

    /// <summary>The message's index, or the complement of where it would stand.</summary>
    public int IndexOf(long seq)
    {
        var (low, high) = (0, Messages.Count - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var found = Messages[middle].Seq;
            if (found == seq)
            {
                return middle;
            }

            (low, high) = found < seq ? (middle + 1, high) : (low, middle - 1);
        }

        return ~low;
    }
}

/// <summary>A member as the screen shows it.</summary>
internal sealed record MemberView(string User, string DisplayName, string Role, bool Online)
{
    /// <summary>The name they gave themselves, where it says more than their user name; anybody may take any, so it never stands alone.</summary>
    public string? Alias => DisplayName.Length == 0 || string.Equals(DisplayName, User, StringComparison.OrdinalIgnoreCase) ? null : DisplayName;

    public static MemberView Of(Member member) => new(SafeText.Clean(member.User), SafeText.Clean(member.DisplayName), member.Role, member.Online);
}
