namespace DChat.Core.Rooms;

/// <summary>What a user is in a room, in ascending order of rights. The numbers stand in snapshots.</summary>
public enum RoomRole : byte
{
    None = 0,
    Invited = 1,
    Member = 2,
    Moderator = 3,
    Owner = 4,
}

public enum RoomVisibility : byte
{
    Public = 0,
    Private = 1,
}

public enum RoomKind : byte
{
    Room = 0,
    Direct = 1,
}
