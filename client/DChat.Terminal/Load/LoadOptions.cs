namespace DChat.Terminal.Load;

internal enum LoadScenario
{
    /// <summary>Members of rooms send and are shown each other's messages.</summary>
    Chat,

    /// <summary>As chat, with one room a user: what sends cost when nobody else listens.</summary>
    RoomsOfOne,

    /// <summary>Clients connect and then say nothing.</summary>
    Idle,

    /// <summary>Clients leave, miss messages, and all come back at once.</summary>
    Resume,

    /// <summary>The first server is killed: its clients come back to the others, which go on sending.</summary>
    Storm,

    /// <summary>The newest page of rooms, again and again.</summary>
    History,

    /// <summary>Words and pairs of words are searched for.</summary>
    Search,
}

/// <summary>What a load run does.</summary>
internal sealed record LoadOptions
{
    public const int UsersMax = 20_000;
    public const int RoomsMax = 20_000;

    /// <summary>As many as the run can remember in bounded memory (about 60 bytes each).</summary>
    public const long SendsMax = 50_000_000;

    public LoadScenario Scenario { get; init; }

    /// <summary>Clients are spread over them in turn.</summary>
    public required IReadOnlyList<Uri> Servers { get; init; }

    /// <summary>The server is the bare hub of the benchmarks: no accounts, no order promised.</summary>
    public bool Bare { get; init; }

    public int Users { get; init; } = 200;

    public int Rooms { get; init; } = 1;

    /// <summary>Members of each room; 0: users divided by rooms.</summary>
    public int MembersPerRoom { get; init; }

    /// <summary>How many of the users send; 0: all.</summary>
    public int Senders { get; init; }

    /// <summary>Sends a second in all; 0: as fast as it goes.</summary>
    public double SendsPerSecond { get; init; }

    /// <summary>Sends that a sender has unanswered at once, when it goes as fast as it can.</summary>
    public int InFlight { get; init; } = 4;

    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The measured time goes on until so many sends were made in it, on however slow a machine. 0: it ends when it is over.</summary>
    public int SendsMin { get; init; }

    /// <summary>The measured time goes on until standard input ends: whoever started the run says when it is enough, or is gone.</summary>
    public bool UntilInputEnds { get; init; }

    /// <summary>Load before the measured time.</summary>
    public TimeSpan Warmup { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>0: as fast as it goes.</summary>
    public double ConnectsPerSecond { get; init; }

    /// <summary>Bytes of a message body.</summary>
    public int BodyBytes { get; init; } = 100;

    public int Seed { get; init; }

    /// <summary>Connections that are lost are made again, and what was not answered is repeated.</summary>
    public bool Reconnect { get; init; }

    /// <summary>The file that gets a line for each acknowledged send (<see cref="Load.AckLog"/>); null: none.</summary>
    public string? AckLog { get; init; }

    /// <summary>Each client marks one of its rooms read every second.</summary>
    public bool MarkRead { get; init; }

    /// <summary>How long the end waits for what is outstanding.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Read every room back at the end.</summary>
    public bool VerifyHistory { get; init; } = true;

    /// <summary>Messages put into each room before history or search is measured; in the resume scenario, those missed.</summary>
    public int Fill { get; init; } = 100;

    /// <summary>The server's processes; none: unknown.</summary>
    public IReadOnlyList<int> ServerPids { get; init; } = [];

    public string? AdminPassword { get; init; }

    /// <summary>Names of accounts and rooms begin with it.</summary>
    public required string Prefix { get; init; }

    public bool Json { get; init; }

    public int EffectiveMembers => MembersPerRoom > 0 ? MembersPerRoom : Math.Max(1, Users / Rooms);

    public int EffectiveSenders => Senders > 0 ? Senders : Users;
}
