using DChat.Core.Rooms;

namespace DChat.Core.Tests.Rooms;

public sealed class RoomRightsTests
{
    /// <summary>The table as it is promised, one line an action: none, invited, member, moderator, owner, server administrator.</summary>
    private const string Expected = """
        See             x x x x x  x
        Join            x x - - -  -
        Leave           - x x x x  -
        Read            - - x x x  -
        Send            - - x x x  -
        EditOwn         - - x x x  -
        DeleteOwn       - - x x x  -
        DeleteOthers    - - - x x  -
        Typing          - - x x x  -
        IgnoreSlowMode  - - - x x  -
        ListMembers     - - x x x  x
        ListBans        - - - x x  x
        Invite          - - x x x  -
        Kick            - - - x x  x
        Ban             - - - x x  x
        Unban           - - - x x  x
        Mute            - - - x x  x
        SetRole         - - - - x  x
        SetTopic        - - - x x  x
        SetSlowMode     - - - x x  x
        Rename          - - - - x  x
        SetVisibility   - - - - x  x
        SetPassword     - - - - x  x
        Archive         - - - - x  x
        Delete          - - - - x  x
        SetRetention    - - - - x  x
        """;

    private const string ReadOnly = "See Leave Read ListMembers ListBans Kick Ban Unban Archive Delete";

    private const string BetweenTwo = "See Read Send EditOwn DeleteOwn Typing IgnoreSlowMode ListMembers";

    private static readonly RoomRole[] Columns = [RoomRole.None, RoomRole.Invited, RoomRole.Member, RoomRole.Moderator, RoomRole.Owner];

    [Fact]
    public void The_table_has_a_line_for_each_action() =>
        Assert.Equal(Enum.GetNames<RoomAction>(), Expected.Split('\n').Select(line => line.Split(' ')[0]));

    [Fact]
    public void Each_cell_is_as_promised()
    {
        foreach (var line in Expected.Split('\n'))
        {
            var cells = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            var action = Enum.Parse<RoomAction>(cells[0]);
            for (var column = 0; column < Columns.Length; column++)
            {
                Assert.True((cells[column + 1] == "x") == RoomRights.Allows(Columns[column], action), $"{action} by {Columns[column]}");
            }

            Assert.True((cells[^1] == "x") == RoomRights.AllowsAdministrator(action, RoomVisibility.Public), $"{action} by an administrator");
        }
    }

    [Fact]
    public void Each_cell_is_what_a_public_room_answers()
    {
        foreach (var action in Enum.GetValues<RoomAction>())
        {
            foreach (var role in Columns)
            {
                var expected = RoomRights.Allows(role, action) ? null
                    : role <= RoomRole.Invited ? RefusalCodes.NotMember
                    : RefusalCodes.Forbidden;
                if (role == RoomRole.Invited || action != RoomAction.Join)
                {
                    Assert.Equal(expected, Check(role, action));
                }

                Assert.Equal(expected is null || RoomRights.AllowsAdministrator(action, RoomVisibility.Public), Check(role, action, admin: true) is null);
            }
        }
    }

    [Fact]
    public void G6_a_private_room_does_not_exist_for_strangers()
    {
        foreach (var action in Enum.GetValues<RoomAction>())
        {
            Assert.Equal(RefusalCodes.NotFound, Check(RoomRole.None, action, RoomVisibility.Private));
            Assert.Equal(RefusalCodes.NotFound, Check(RoomRole.None, action, RoomVisibility.Private, banned: true));
            Assert.Equal(RefusalCodes.NotFound, Check(RoomRole.None, action, RoomVisibility.Private, kind: RoomKind.Direct, admin: true));
            Assert.Equal(
                RoomRights.AllowsAdministrator(action, RoomVisibility.Private) ? null : RefusalCodes.NotFound,
                Check(RoomRole.None, action, RoomVisibility.Private, admin: true));
        }
    }

    [Fact]
    public void G6_an_administrator_changes_a_private_room_and_does_not_look_into_it()
    {
        foreach (var action in Enum.GetValues<RoomAction>())
        {
            var looks = action is RoomAction.See or RoomAction.ListMembers or RoomAction.ListBans;
            Assert.Equal(
                RoomRights.AllowsAdministrator(action, RoomVisibility.Public) && !looks,
                RoomRights.AllowsAdministrator(action, RoomVisibility.Private));
        }
    }

    [Fact]
    public void An_archived_room_is_read_only()
    {
        foreach (var action in Enum.GetValues<RoomAction>())
        {
            var expected = !RoomRights.Allows(RoomRole.Owner, action) || !ReadOnly.Split(' ').Contains(action.ToString()) ? RefusalCodes.Forbidden : null;
            Assert.Equal(expected, Check(RoomRole.Owner, action, archived: true));
        }

        Assert.Equal(RefusalCodes.Forbidden, Check(RoomRole.None, RoomAction.Join, archived: true));
    }

    [Fact]
    public void In_a_direct_room_nobody_has_rights_over_the_other()
    {
        foreach (var action in Enum.GetValues<RoomAction>())
        {
            var allowed = BetweenTwo.Split(' ').Contains(action.ToString()) && RoomRights.Allows(RoomRole.Member, action);
            Assert.Equal(allowed ? null : RefusalCodes.Forbidden, Check(RoomRole.Member, action, RoomVisibility.Private, kind: RoomKind.Direct));
        }
    }

    [Fact]
    public void The_banned_are_told_so_where_the_room_is_public()
    {
        Assert.Equal(RefusalCodes.Banned, Check(RoomRole.None, RoomAction.Join, banned: true));
        Assert.Equal(RefusalCodes.Banned, Check(RoomRole.None, RoomAction.Read, banned: true));
        Assert.Null(Check(RoomRole.None, RoomAction.See, banned: true));
    }

    [Fact]
    public void One_moderates_lower_roles_only()
    {
        foreach (var actor in Enum.GetValues<RoomRole>())
        {
            foreach (var subject in Enum.GetValues<RoomRole>())
            {
                var expected = actor switch
                {
                    RoomRole.Owner => subject != RoomRole.Owner,
                    RoomRole.Moderator => subject is not (RoomRole.Owner or RoomRole.Moderator),
                    _ => false,
                };
                Assert.Equal(expected, RoomRights.Outranks(actor, subject));
            }
        }
    }

    private static string? Check(
        RoomRole role, RoomAction action, RoomVisibility visibility = RoomVisibility.Public, RoomKind kind = RoomKind.Room, bool archived = false, bool admin = false, bool banned = false) =>
        RoomRights.Check(kind, visibility, archived, role, admin, banned, action);
}
