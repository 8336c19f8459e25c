using DChat.Core.Registry;
using DChat.Core.Rooms;

namespace DChat.Core.Tests.Registry;

public sealed class AccountTests
{
    private readonly RegistryWorld _world = new();

    private RegistryState State => _world.State;

    [Fact]
    public void Registering_makes_an_account_that_is_found_without_case()
    {
        _world.Ok(new CreateAccount("c", "ann", 5, "Ann", "Ann B.", [9]));
        var ann = State.FindAccount("ANN")!;
        Assert.Equal(("ann", "Ann B.", 5L, false, true), (ann.Name, ann.DisplayName, ann.CreatedAt, ann.IsAdmin, ann.CanSignIn));
        Assert.Equal(new byte[] { 9 }, ann.PasswordHash);
        Assert.Equal("ann", _world.Last.Outcome.Result);
    }

    [Fact]
    public void A_name_is_taken_for_ever()
    {
        _world.WithAdmin("root").With("ann");
        _world.Refused(RefusalCodes.UserTaken, new CreateAccount("c", "ann", 0, "ANN", null, [1]));
        _world.Ok(new CloseAccount("d", "ann", 0, "ann"));
        _world.Refused(RefusalCodes.UserTaken, new CreateAccount("e", "ann", 0, "ann", null, [1]));
    }

    [Fact]
    public void Nonsense_makes_no_account()
    {
        _world.Refused(RefusalCodes.InvalidUser, new CreateAccount("c", "", 0, "a b", null, [1]));
        _world.Refused(RefusalCodes.InvalidArgument, new CreateAccount("c", "", 0, "ann", "a\nb", [1]));
        _world.Refused(RefusalCodes.InvalidArgument, new CreateAccount("c", "", 0, "ann", null, []));
        _world.Refused(RefusalCodes.InvalidArgument, new CreateAccount("c", "", 0, "ann", null, new byte[257]));
        _world.Refused(RefusalCodes.InvalidArgument, new CreateAccount("c", "", -1, "ann", null, [1]));
        _world.Refused(RefusalCodes.InvalidArgument, new CreateAccount(new string('c', 65), "", 0, "ann", null, [1]));
    }

    [Fact]
    public void Only_an_administrator_makes_accounts_for_others_or_administrators()
    {
        _world.WithAdmin("root").With("ann");
        _world.Refused(RefusalCodes.Forbidden, new CreateAccount("c", "ann", 0, "bob", null, [1]));
        _world.Refused(RefusalCodes.Forbidden, new CreateAccount("c", "bob", 0, "bob", null, [1], Admin: true));
        _world.Refused(RefusalCodes.Forbidden, new CreateAccounts("c", "ann", 0, ["bob"]));
        _world.Ok(new CreateAccount("c", "root", 0, "bob", null, [1], Admin: true));
        Assert.True(State.IsAdministrator("bob"));
        Assert.Equal("createAccount", State.AuditPage(null, 1)[0].Action);
    }

    [Fact]
    public void Many_accounts_are_made_at_once_and_again()
    {
        _world.WithAdmin("root").With("ann");
        _world.Ok(new CreateAccounts("c", "root", 0, ["u1", "U2", "u1"]));
        Assert.Equal(4, State.AccountCount);
        Assert.Null(State.FindAccount("u2")!.PasswordHash);
        _world.Ok(new CreateAccounts("d", "root", 0, ["u2", "u3"]));
        Assert.Equal(5, State.AccountCount);
        _world.Ok(new CreateAccounts("e", "root", 0, ["u2"]));
        Assert.Null(_world.Last.Record);
        _world.Refused(RefusalCodes.UserTaken, new CreateAccounts("f", "root", 0, ["u4", "ann"]));
        _world.Refused(RefusalCodes.InvalidUser, new CreateAccounts("f", "root", 0, ["u 4"]));
        _world.Refused(RefusalCodes.InvalidArgument, new CreateAccounts("f", "root", 0, []));
        _world.Refused(RefusalCodes.InvalidArgument, new CreateAccounts("f", "root", 0, Names(RegistryBounds.BulkNames + 1)));
    }

    [Fact]
    public void The_largest_bulk_command_fits_into_one_entry()
    {
        var longest = Enumerable.Range(0, RegistryBounds.BulkNames).Select(i => $"{i:D6}-abcdefghijklmnopqrstuvwxy").ToList();
        Assert.Equal(UserName.MaxLength, longest[0].Length);
        _world.WithAdmin("root");
        _world.Ok(new CreateAccounts("c", "root", 0, longest));
        Assert.InRange(_world.Last.Record!.EncodedSize, 1, Core.ControlLog.ControlLogLimits.EntryBytesMax - RegistryEntryCodec.EntryOverhead);
    }

    [Fact]
    public void The_number_of_accounts_is_limited()
    {
        var world = new RegistryWorld(new RegistryLimits(Accounts: 2)).WithAdmin("root").With("ann");
        world.Refused(RefusalCodes.TooLarge, new CreateAccount("c", "bob", 0, "bob", null, [1]));
        world.Refused(RefusalCodes.TooLarge, new CreateAccounts("c", "root", 0, ["bob"]));
    }

    [Fact]
    public void An_invitation_is_used_up()
    {
        var code = SecretHash.Of("code");
        _world.WithAdmin("root").With("ann");
        _world.Refused(RefusalCodes.RegistrationClosed, new CreateAccount("c", "bob", 0, "bob", null, [1], false, code));
        _world.Ok(new CreateInvitation("d", "root", 10, code, 2, 1_000));
        Assert.Equal((2, 1_000L, "root", 10L), (State.FindInvitation(code)!.UsesLeft, State.Invitations()[0].ExpiresAt, State.Invitations()[0].CreatedBy, State.Invitations()[0].CreatedAt));
        _world.Refused(RefusalCodes.InvalidArgument, new CreateInvitation("e", "root", 10, code, 2, 1_000));
        _world.Refused(RefusalCodes.RegistrationClosed, new CreateAccount("f", "bob", 1_000, "bob", null, [1], false, code));
        _world.Ok(new CreateAccount("g", "bob", 999, "bob", null, [1], false, code));
        _world.Ok(new CreateAccount("h", "cid", 999, "cid", null, [1], false, code));
        Assert.Null(State.FindInvitation(code));
        _world.Refused(RefusalCodes.RegistrationClosed, new CreateAccount("i", "dot", 999, "dot", null, [1], false, code));
    }

    [Fact]
    public void Invitations_are_the_administrators_and_end()
    {
        var code = SecretHash.Of("code");
        _world.WithAdmin("root").With("ann");
        _world.Refused(RefusalCodes.Forbidden, new CreateInvitation("c", "ann", 0, code, 1, 9));
        _world.Refused(RefusalCodes.InvalidArgument, new CreateInvitation("c", "root", 0, "short", 1, 9));
        _world.Refused(RefusalCodes.InvalidArgument, new CreateInvitation("c", "root", 0, code, 0, 9));
        _world.Refused(RefusalCodes.InvalidArgument, new CreateInvitation("c", "root", 9, code, 1, 9));
        _world.Ok(new CreateInvitation("c", "root", 0, code, 1, 9));
        _world.Refused(RefusalCodes.Forbidden, new RevokeInvitation("d", "ann", 0, code));
        _world.Ok(new RevokeInvitation("d", "root", 0, code));
        _world.Refused(RefusalCodes.NotFound, new RevokeInvitation("e", "root", 0, code));
    }

    [Fact]
    public void Changing_the_password_voids_all_tokens_but_one_sessions()
    {
        _world.With("ann", "bob");
        var before = State.Index;
        Assert.True(State.IsSessionAllowed("ann", "s1", before));
        _world.Ok(new ChangePassword("c", "ann", 0, "ann", [4], "s1"));
        Assert.Equal(new byte[] { 4 }, State.FindAccount("ann")!.PasswordHash);
        Assert.True(State.IsSessionAllowed("ann", "s1", before));
        Assert.False(State.IsSessionAllowed("ann", "s2", before));
        Assert.True(State.IsSessionAllowed("ann", "s2", State.Index));
        _world.Ok(new ChangePassword("d", "ann", 0, "ann", [5], null));
        Assert.False(State.IsSessionAllowed("ann", "s1", before));
        Assert.True(State.IsSessionAllowed("bob", "s3", before));
    }

    [Fact]
    public void A_password_is_the_owners_or_an_administrators_to_change()
    {
        _world.WithAdmin("root").With("ann", "bob");
        _world.Refused(RefusalCodes.Forbidden, new ChangePassword("c", "bob", 0, "ann", [4], null));
        _world.Refused(RefusalCodes.NotFound, new ChangePassword("c", "root", 0, "zoe", [4], null));
        _world.Refused(RefusalCodes.InvalidArgument, new ChangePassword("c", "ann", 0, "ann", [], null));
        _world.Refused(RefusalCodes.InvalidArgument, new ChangePassword("c", "ann", 0, "ann", [1], "a b"));
        _world.Ok(new ChangePassword("c", "root", 0, "ann", [4], null));
        Assert.Equal(("changePassword", "root", "ann"), (State.AuditPage(null, 1)[0].Action, State.AuditPage(null, 1)[0].Actor, State.AuditPage(null, 1)[0].Subject));
    }

    [Fact]
    public void A_display_name_changes()
    {
        _world.With("ann", "bob");
        _world.Ok(new SetDisplayName("c", "ann", 0, "ann", " Ann "));
        Assert.Equal("Ann", State.FindAccount("ann")!.DisplayName);
        _world.Ok(new SetDisplayName("d", "ann", 0, "ann", "Ann"));
        Assert.Null(_world.Last.Record);
        _world.Refused(RefusalCodes.InvalidArgument, new SetDisplayName("e", "ann", 0, "ann", ""));
        _world.Refused(RefusalCodes.Forbidden, new SetDisplayName("e", "ann", 0, "bob", "Bob"));
    }

    [Fact]
    public void An_ended_session_is_void_until_its_last_token_expires()
    {
        _world.WithAdmin("root").With("ann", "bob");
        _world.Ok(new EndSession("c", "ann", 1_000, "ann", "s1", 5_000));
        Assert.True(State.IsSessionEnded("s1"));
        Assert.False(State.IsSessionAllowed("ann", "s1", State.Index));
        Assert.True(State.IsSessionAllowed("ann", "s2", State.Index));
        _world.Ok(new EndSession("d", "ann", 1_000, "ann", "s1", 5_000));
        Assert.Null(_world.Last.Record);
        _world.Refused(RefusalCodes.Forbidden, new EndSession("e", "bob", 1_000, "ann", "s2", 5_000));
        _world.Refused(RefusalCodes.NotFound, new EndSession("e", "ann", 1_000, "zoe", "s2", 5_000));
        _world.Refused(RefusalCodes.InvalidArgument, new EndSession("e", "ann", 1_000, "ann", "", 5_000));
        _world.Ok(new EndSession("f", "root", 1_000, "ann", "s2", 9_000_000));

        _world.Ok(new EndSession("g", "ann", 1_000 + RegistryBounds.SessionSweepMs, "ann", "s3", 9_000_000));
        Assert.False(State.IsSessionEnded("s1"));
        Assert.True(State.IsSessionEnded("s2"));
        Assert.True(State.IsSessionEnded("s3"));
    }

    [Fact]
    public void A_disabled_account_is_out_and_its_old_tokens_stay_void()
    {
        _world.WithAdmin("root").With("ann");
        var issued = State.Index;
        _world.Refused(RefusalCodes.Forbidden, new DisableAccount("c", "ann", 0, "root"));
        _world.Refused(RefusalCodes.NotFound, new DisableAccount("c", "root", 0, "zoe"));
        _world.Refused(RefusalCodes.InvalidArgument, new DisableAccount("c", "root", 0, "ann", "a\nb"));
        _world.Ok(new DisableAccount("c", "root", 0, "ann", "rude"));
        Assert.False(State.IsSessionAllowed("ann", "s", State.Index));
        _world.Refused(RefusalCodes.Forbidden, new CreateRoom("d", "ann", 0, "r", "r", null, RoomVisibility.Public, null, ""));
        _world.Ok(new DisableAccount("e", "root", 0, "ann"));
        Assert.Null(_world.Last.Record);
        _world.Ok(new EnableAccount("f", "root", 0, "ann"));
        Assert.False(State.IsSessionAllowed("ann", "s", issued));
        Assert.True(State.IsSessionAllowed("ann", "s", State.Index));
        _world.Ok(new EnableAccount("g", "root", 0, "ann"));
        Assert.Null(_world.Last.Record);
    }

    [Fact]
    public void The_last_administrator_stays()
    {
        _world.WithAdmin("root").With("ann");
        _world.Refused(RefusalCodes.Forbidden, new RevokeRole("c", "root", 0, "root", "admin"));
        _world.Refused(RefusalCodes.Forbidden, new DisableAccount("c", "root", 0, "root"));
        _world.Refused(RefusalCodes.Forbidden, new CloseAccount("c", "root", 0, "root"));
        _world.Refused(RefusalCodes.Forbidden, new GrantRole("c", "ann", 0, "ann", "admin"));
        _world.Refused(RefusalCodes.InvalidArgument, new GrantRole("c", "root", 0, "ann", "king"));
        _world.Ok(new GrantRole("c", "root", 0, "ann", "admin"));
        _world.Ok(new GrantRole("d", "root", 0, "ann", "admin"));
        Assert.Null(_world.Last.Record);
        Assert.Equal(2, State.ActiveAdmins);
        _world.Ok(new RevokeRole("e", "ann", 0, "root", "admin"));
        Assert.False(State.IsAdministrator("root"));
        Assert.Equal(1, State.ActiveAdmins);
    }

    [Fact]
    public void Closing_an_account_leaves_its_rooms_but_not_its_direct_rooms()
    {
        _world.WithAdmin("root").With("ann", "bob", "cid");
        _world.WithRoom("r1", RoomVisibility.Public, "ann", "bob");
        _world.WithRoom("r2", RoomVisibility.Public, "ann");
        _world.WithRoom("r3", RoomVisibility.Private, "bob");
        _world.Ok(new Invite("i", "bob", 0, "r3", "ann"));
        _world.Ok(new OpenDirect("o", "ann", 0, "d1", "bob", ""));
        _world.Ok(new CreateApiToken("t", "ann", 0, "ann", "t1", "bot", SecretHash.Of("x")));
        _world.Refused(RefusalCodes.Forbidden, new CloseAccount("c", "bob", 0, "ann"));
        _world.Refused(RefusalCodes.NotFound, new CloseAccount("c", "root", 0, "zoe"));
        _world.Ok(new CloseAccount("c", "ann", 0, "ann"));
        Assert.Equal("", _world.Last.Outcome.Result);
        Assert.Equal(["d1"], State.RoomsOf("ann").Select(room => room.Id));
        Assert.Equal("bob", _world.Room("r1").Owner);
        Assert.True(_world.Room("r2").Archived);
        Assert.Equal(0, _world.Room("r3").InvitationCount);
        Assert.Null(State.FindApiToken("t1"));
        _world.Refused(RefusalCodes.Forbidden, new OpenDirect("e", "ann", 0, "d2", "cid", ""));
        _world.Refused(RefusalCodes.NotFound, new OpenDirect("f", "cid", 0, "d2", "ann", ""));
        _world.Ok(new OpenDirect("f", "bob", 0, "d2", "ann", ""));
        Assert.Equal("d1", _world.Last.Outcome.Result);
        _world.Refused(RefusalCodes.NotFound, new ChangePassword("g", "root", 0, "ann", [1], null));
        _world.Refused(RefusalCodes.NotFound, new EnableAccount("g", "root", 0, "ann"));
    }

    [Fact]
    public void Closing_an_account_of_many_rooms_takes_several_commands()
    {
        var world = new RegistryWorld();
        world.WithAdmin("root").With("ann");
        var state = world.State;
        for (var i = 0; i <= RegistryBounds.LeavesPerCommand; i++)
        {
            state = RegistryMachine.Apply(state, state.Index + 1, RegistryMachine.Decide(
                state, new CreateRoom("", "ann", 0, $"r{i}", $"r{i}", null, RoomVisibility.Private, null, ""), RegistryLimits.None).Record!);
        }

        world.State = state;
        world.Ok(new CloseAccount("c", "ann", 0, "ann"));
        Assert.Equal("more", world.Last.Outcome.Result);
        Assert.Equal(1, world.State.FindAccount("ann")!.RoomCount);
        Assert.InRange(world.Last.Record!.EncodedSize, 1, Core.ControlLog.ControlLogLimits.EntryBytesMax - RegistryEntryCodec.EntryOverhead);
        world.Ok(new CloseAccount("d", "", 0, "ann"));
        Assert.Equal("", world.Last.Outcome.Result);
        Assert.Equal(0, world.State.FindAccount("ann")!.RoomCount);
    }

    [Fact]
    public void Api_tokens_are_found_by_their_id_and_secret()
    {
        var secret = SecretHash.Of("secret");
        var world = new RegistryWorld(new RegistryLimits(ApiTokensPerUser: 2)).WithAdmin("root").With("ann", "bob");
        world.Ok(new CreateApiToken("c", "ann", 7, "ann", "t1", "my bot", secret));
        Assert.Equal("ann", world.State.FindApiTokenAccount("t1", secret)!.Name);
        Assert.Null(world.State.FindApiTokenAccount("t1", SecretHash.Of("other")));
        Assert.Null(world.State.FindApiTokenAccount("t2", secret));
        Assert.Equal([new ApiToken("t1", "ann", "my bot", secret, 7)], world.State.ApiTokensOf("ann"));
        Assert.Empty(world.State.ApiTokensOf("zoe"));
        world.Refused(RefusalCodes.Forbidden, new CreateApiToken("d", "bob", 0, "ann", "t2", "bot", secret));
        world.Refused(RefusalCodes.InvalidArgument, new CreateApiToken("d", "bob", 0, "bob", "t1", "bot", secret));
        world.Refused(RefusalCodes.InvalidArgument, new CreateApiToken("d", "ann", 0, "ann", "t2", " ", secret));
        world.Ok(new CreateApiToken("d", "ann", 0, "ann", "t2", "bot", secret));
        world.Refused(RefusalCodes.TooLarge, new CreateApiToken("e", "ann", 0, "ann", "t3", "bot", secret));
        world.Refused(RefusalCodes.NotFound, new EndApiToken("e", "bob", 0, "bob", "t1"));
        world.Refused(RefusalCodes.Forbidden, new EndApiToken("e", "bob", 0, "ann", "t1"));
        world.Ok(new DisableAccount("f", "root", 0, "ann"));
        Assert.Null(world.State.FindApiTokenAccount("t1", secret));
        world.Ok(new EnableAccount("g", "root", 0, "ann"));
        world.Ok(new EndApiToken("h", "ann", 0, "ann", "t1"));
        Assert.Null(world.State.FindApiTokenAccount("t1", secret));
    }

    [Fact]
    public void Accounts_are_listed_in_order_of_creation()
    {
        _world.With("cid", "ann", "bob");
        Assert.Equal(["cid", "ann"], State.AccountsPage(-1, 2).Select(account => account.Name));
        Assert.Equal(["bob"], State.AccountsPage(1, 2).Select(account => account.Name));
    }

    [Fact]
    public void An_actor_must_be_there_and_named_in_lower_case()
    {
        _world.With("ann");
        _world.Refused(RefusalCodes.Forbidden, new SetDisplayName("c", "zoe", 0, "ann", "x"));
        _world.Refused(RefusalCodes.Forbidden, new SetDisplayName("c", "ANN", 0, "ann", "x"));
    }

    private static List<string> Names(int count) => [.. Enumerable.Range(0, count).Select(i => $"u{i}")];
}
