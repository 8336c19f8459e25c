using DChat.Core.Registry;
using DChat.Core.Rooms;

namespace DChat.Core.Tests.Registry;

/// <summary>A registry under test: commands go in, events and entries come out, as at a leader that writes each as an entry of its own.</summary>
internal sealed class RegistryWorld
{
    private readonly RegistryLimits _limits;
    private int _commands;

    public RegistryWorld(RegistryLimits? limits = null)
    {
        _limits = limits ?? RegistryLimits.None;
    }

    public RegistryState State { get; set; } = RegistryState.Empty;

    public long Now { get; set; } = 1_000_000;

    public Decision Last { get; private set; } = null!;

    public List<RegistryEntry> Entries { get; } = [];

    public static readonly byte[] Hash = [1, 2, 3];

    public string NextId() => $"c{++_commands}";

    public Outcome Do(Command command)
    {
        Last = RegistryMachine.Decide(State, command, _limits);
        if (Last.Record is { } record)
        {
            var entry = new RegistryEntry(RegistryEntryCodec.Version, command.At, [record]);
            Entries.Add(entry);
            State = RegistryMachine.Apply(State, State.Index + 1, entry);
            RegistryInvariants.Check(State);
        }

        return Last.Outcome;
    }

    public void Ok(Command command)
    {
        var outcome = Do(command);
        Assert.True(outcome.IsOk, $"{command}: {outcome}");
    }

    public void Refused(string code, Command command)
    {
        Assert.Equal(code, Do(command).Error);
        Assert.Null(Last.Record);
        Assert.Empty(Last.Events);
    }

    public RegistryWorld With(params string[] users)
    {
        foreach (var user in users)
        {
            Ok(new CreateAccount(NextId(), user, Now, user, null, Hash));
        }

        return this;
    }

    public RegistryWorld WithAdmin(string user)
    {
        Ok(new CreateAccount(NextId(), "", Now, user, null, Hash, Admin: true));
        return this;
    }

    /// <summary>A room with the name of its id; the first user owns it, the others are members.</summary>
    public Room WithRoom(string id, RoomVisibility visibility, params string[] users)
    {
        Ok(new CreateRoom(NextId(), users[0], Now, id, id, null, visibility, null, ""));
        foreach (var user in users.Skip(1))
        {
            if (visibility == RoomVisibility.Private)
            {
                Ok(new Invite(NextId(), users[0], Now, id, user));
            }

            Ok(new JoinRoom(NextId(), user, Now, id));
        }

        return Room(id);
    }

    public Room Room(string id) => State.FindRoom(id)!;

    public RoomRole Role(string room, string user) => State.RoleOf(Room(room), user);
}
