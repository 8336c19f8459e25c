using DChat.Core.Rooms;

namespace DChat.Core.Registry;

/// <summary>One command being decided: the rules ask the state, add events, and answer an outcome.</summary>
internal sealed partial class Ruling(RegistryState state, Command command, RegistryLimits limits)
{
    /// <summary>Times beyond it (2^53 ms) cannot be told to JavaScript, and are nonsense.</summary>
    private const long TimeMax = 1L << 53;

    private readonly List<RegistryEvent> _events = [];

    public IReadOnlyList<RegistryEvent> Events => _events;

    public Outcome Outcome { get; private set; } = Outcome.Done;

    /// <summary>The system itself, or a server administrator.</summary>
    private bool IsAdministration => state.IsAdministrator(command.Actor);

    public Ruling Rule(Command ruled)
    {
        Outcome = CheckFrame() ?? ruled switch
        {
            CreateAccount c => Rule(c),
            CreateAccounts c => Rule(c),
            ChangePassword c => Rule(c),
            SetDisplayName c => Rule(c),
            CloseAccount c => Rule(c),
            EndSession c => Rule(c),
            GrantRole c => ChangeAdmin(c.User, c.Role, true),
            RevokeRole c => ChangeAdmin(c.User, c.Role, false),
            DisableAccount c => Rule(c),
            EnableAccount c => Rule(c),
            CreateInvitation c => Rule(c),
            RevokeInvitation c => Rule(c),
            CreateApiToken c => Rule(c),
            EndApiToken c => Rule(c),
            CreateRoom c => Rule(c),
            AddMembers c => Rule(c),
            JoinRoom c => Rule(c),
            LeaveRoom c => Rule(c),
            UpdateRoom c => Rule(c),
            DeleteRoom c => Rule(c),
            Invite c => Rule(c),
            Kick c => Rule(c),
            Ban c => Rule(c),
            Unban c => Rule(c),
            Mute c => Rule(c),
            SetRole c => Rule(c),
            OpenDirect c => Rule(c),
            RegisterWorker c => Rule(c),
            SetWorkerState c => Rule(c),
            RemoveWorker c => Rule(c),
            AssignRooms c => Rule(c),
            NoteExport c => Rule(c),
            NoteMemberReplaced c => Rule(c),
            AddProtectionKey c => Rule(c),
            _ => throw new ArgumentException($"no rule for {ruled.GetType().Name}", nameof(ruled)),
        };
        return this;
    }

    /// <summary>What every command must be: a time, an id, and an actor that may act at all.</summary>
    private Outcome? CheckFrame()
    {
        if (command.At is < 0 or >= TimeMax)
        {
            return Invalid("the command's time is out of range");
        }

        if (command.CommandId.Length > 0 && RoomTexts.CheckClientId(command.CommandId) is not null)
        {
            return Invalid("a command id has 1 to 64 characters, none of them control characters");
        }

        if (command.Actor.Length == 0 || (command is CreateAccount registration && registration.Actor == UserName.Fold(registration.User)))
        {
            return null;
        }

        return state.FindAccount(command.Actor) is { CanSignIn: true } actor && actor.Name == command.Actor
            ? null
            : Outcome.Refused(RefusalCodes.Forbidden, "the account is closed or disabled");
    }

    private void Add(RegistryEvent added) => _events.Add(added);

    /// <summary>A line of the audit trail; what the system does by itself on nobody's wish is not audited.</summary>
    private void Audit(string action, string room, string subject, string text = "")
    {
        if (command.Actor.Length > 0)
        {
            Add(new Audited(action, room, subject, text));
        }
    }

    private static Outcome Invalid(string text) => Outcome.Refused(RefusalCodes.InvalidArgument, text);

    private static Outcome Forbidden(string text) => Outcome.Refused(RefusalCodes.Forbidden, text);

    private static Outcome TooMany(string text) => Outcome.Refused(RefusalCodes.TooLarge, text);

    private static Outcome NoSuchUser() => Outcome.Refused(RefusalCodes.NotFound, "no such user");

    private static bool Exceeds(int count, int limit) => limit > 0 && count > limit;

    /// <summary>Ids that callers make: 1 to 64 visible ASCII characters.</summary>
    private static bool IsId(string id)
    {
        foreach (var c in id)
        {
            if (c is < '!' or > '~')
            {
                return false;
            }
        }

        return id.Length is > 0 and <= RegistryBounds.IdLength;
    }

    private static bool IsPasswordHash(byte[] hash) => hash.Length is > 0 and <= RegistryBounds.PasswordHashBytes;
}
