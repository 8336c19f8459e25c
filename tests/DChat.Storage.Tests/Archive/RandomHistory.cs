using DChat.Core.Messages;

namespace DChat.Storage.Tests.Archive;

/// <summary>Rooms in which everything was done that can be done, at random.</summary>
internal sealed class RandomHistory(int seed)
{
    public static readonly string[] Rooms = ["a", "b", "empty", "long"];
    public static readonly string[] Users = [.. Enumerable.Range(1, 14).Select(i => $"u{i}")];

    private readonly Random _random = new(seed);
    private readonly List<(string Room, string Author, string ClientId)> _sent = [];
    private int _ids;

    /// <summary>Every change that was sent.</summary>
    public IReadOnlyList<(string Room, string Author, string ClientId)> Sent => _sent;

    public async Task WriteAsync(IMessageStore store, int batches)
    {
        var opened = await store.OpenAsync([.. Rooms.Select(room => new RoomAtEpoch(room, 7))], default);
        var revs = Rooms.Zip(opened).ToDictionary(pair => pair.First, pair => pair.Second.Rev);
        for (var batch = 0; batch < batches; batch++)
        {
            var room = _random.Next(3) switch { 0 => "a", 1 => "b", _ => "long" };
            var changes = Enumerable.Range(0, room == "long" ? 80 : 6).Select(_ => Change(room, revs[room])).ToList();
            revs[room] = (await store.WriteAsync([new RoomWrite(room, 7, revs[room], changes)], default))[0].Rev;
        }

        await store.WriteMarksAsync([.. Users.SelectMany(user => Rooms.Select(room => new ReadMark(user, room, _random.Next(60))))], default);
        await store.RetainAsync(new RoomAtEpoch("a", 7), 1_030, 0, 20, default);
    }

    private RoomChange Change(string room, long rev)
    {
        var (author, clientId, seq, at) = (Users[_random.Next(Users.Length)], $"{++_ids}", _random.NextInt64(0, rev + 3), 1_000 + _ids);
        _sent.Add((room, author, clientId));
        return _random.Next(12) switch
        {
            < 6 => new PostMessage(author, clientId, at, (MessageKind)_random.Next(3), Body(), _random.Next(4) == 0 ? seq : null, Files(), Mentions()),
            < 8 => new EditMessage(author, clientId, at, seq, Body(), Mentions()),
            8 => new DeleteMessage(author, clientId, at, seq, AsModerator: true),
            _ => new React(author, clientId, at, seq, _random.Next(2) == 0 ? "👍" : $"e{_random.Next(3)}", _random.Next(3) != 0),
        };
    }

    private string Body() => _random.Next(5) switch
    {
        0 => "pear \"quoted\" \\ 𝔘nicode — ünïcode\nsecond line",
        1 => "plum " + new string('x', _random.Next(4_000)),
        _ => "apple pie",
    };

    private List<string> Mentions() => _random.Next(3) == 0 ? [.. Users.Where(_ => _random.Next(5) == 0)] : [];

    private IReadOnlyList<AttachedFile> Files() => _random.Next(5) == 0 ? [new AttachedFile("f", "n \"1\"", _random.Next(9), "t/t")] : [];
}
