using System.Collections.Concurrent;
using DChat.Client.Tests.Timelines;
using DChat.Protocol;

namespace DChat.Client.Tests.Stub;

/// <summary>What a cluster keeps: it outlives the stub servers that serve it. Guarded by its own lock.</summary>
internal sealed class StubWorld
{
    private readonly Dictionary<string, StubRoom> rooms = [];
    private readonly Dictionary<(string Room, string ClientId), SendAnswer> answered = [];
    private int tokens;

    public Lock Gate { get; } = new();

    public HashSet<string> AccessTokens { get; } = [];

    public HashSet<string> RefreshTokens { get; } = [];

    /// <summary>Where files are: whoever asks for one is sent there.</summary>
    public Uri? FileAddress { get; set; }

    public int AccessLifetimeSeconds { get; set; } = 300;

    public int Refreshes { get; private set; }

    /// <summary>Runs before a send is committed; may throw what the server would answer.</summary>
    public Action<SendRequest>? BeforeCommit { get; set; }

    /// <summary>Runs after it is committed; returns false to lose the connection instead of answering.</summary>
    public Func<SendRequest, bool>? AfterCommit { get; set; }

    /// <summary>Rooms to which nobody can subscribe now.</summary>
    public ConcurrentDictionary<string, bool> Away { get; } = [];

    public List<Room> Invitations { get; } = [];

    public StubRoom Add(string id, string kind = RoomKinds.Room, string? peer = null)
    {
        lock (Gate)
        {
            return rooms[id] = new StubRoom(new Room(id, kind == RoomKinds.Direct ? "" : id, kind, null, Visibilities.Public, false, "owner", Roles.Member, 2, 0, false, 0, peer));
        }
    }

    public void Remove(string id)
    {
        lock (Gate)
        {
            rooms.Remove(id);
        }
    }

    public StubRoom Room(string id)
    {
        lock (Gate)
        {
            return rooms[id];
        }
    }

    public IReadOnlyList<StubRoom> Rooms
    {
        get
        {
            lock (Gate)
            {
                return [.. rooms.Values];
            }
        }
    }

    public TokenAnswer SignIn(string user)
    {
        lock (Gate)
        {
            var access = $"{user}/{++tokens}";
            AccessTokens.Add(access);
            RefreshTokens.Add("refresh-" + user);
            return new TokenAnswer(user, access, "refresh-" + user, AccessLifetimeSeconds);
        }
    }

    public TokenAnswer? Refresh(string token)
    {
        lock (Gate)
        {
            Refreshes++;
            return RefreshTokens.Contains(token) ? SignIn(token["refresh-".Length..]) : null;
        }
    }

    public (SendAnswer Answer, RoomEvent? Event) Commit(string author, SendRequest request)
    {
        lock (Gate)
        {
            if (answered.TryGetValue((request.Room!, request.ClientId!), out var first))
            {
                return (first, null);
            }

            var posted = rooms[request.Room!].Model.Post(author, request.ClientId, request.Body);
            var answer = new SendAnswer(posted.Message.Seq, posted.Rev, posted.Message.SentAt);
            answered[(request.Room!, request.ClientId!)] = answer;
            return (answer, posted);
        }
    }
}

internal sealed class StubRoom(Room info)
{
    public const int PageSize = 50;

    public Room Info { get; } = info;

    public ModelRoom Model { get; } = new("alice", PageSize);

    public IReadOnlyList<string> Bodies => [.. Model.Messages.Select(m => m.Body)];

    public RoomSync Sync(long? afterRev) => Model.Subscribe(afterRev) with { Room = Info, Unread = 0 };
}
