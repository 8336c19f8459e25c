using DChat.Core.Rooms;

namespace DChat.Core.Registry.Collections;

/// <summary>An element of a <see cref="SortedRuns{T}"/>.</summary>
internal interface IKeyed
{
    uint Key { get; }
}

/// <summary>A handle in a set of handles.</summary>
internal readonly record struct HandleEntry(int Handle) : IKeyed
{
    public uint Key => (uint)Handle;
}

/// <summary>A member in the order of joining, in the room.</summary>
internal readonly record struct MemberEntry(uint Join, int Account) : IKeyed
{
    public uint Key => Join;
}

/// <summary>A membership by room, in the account: 16 bytes each, as there are millions.</summary>
internal readonly record struct RoomEntry : IKeyed
{
    private const int RoleBits = 3;
    private readonly ulong _joinedAtAndRole;

    public RoomEntry(int room, uint join, long joinedAt, RoomRole role)
    {
        Room = room;
        Join = join;
        _joinedAtAndRole = ((ulong)joinedAt << RoleBits) | (byte)role;
    }

    public int Room { get; }

    public uint Join { get; }

    public long JoinedAt => (long)(_joinedAtAndRole >> RoleBits);

    public RoomRole Role => (RoomRole)(_joinedAtAndRole & ((1 << RoleBits) - 1));

    public uint Key => (uint)Room;

    public RoomEntry With(RoomRole role) => new(Room, Join, JoinedAt, role);
}

/// <summary>A direct room by the other user, in the account.</summary>
internal readonly record struct DirectEntry(int Peer, int Room) : IKeyed
{
    public uint Key => (uint)Peer;
}

internal readonly record struct BanEntry(int Account, string By, string? Reason, long At) : IKeyed
{
    public uint Key => (uint)Account;
}

internal readonly record struct MuteEntry(int Account, long Until) : IKeyed
{
    public uint Key => (uint)Account;
}

internal readonly record struct InvitationEntry(int Account, string By, long At) : IKeyed
{
    public uint Key => (uint)Account;
}
