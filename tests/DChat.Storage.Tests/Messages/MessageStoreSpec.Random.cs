using System.Text.Json;
using DChat.Core.Messages;
using DChat.TestKit;

namespace DChat.Storage.Tests.Messages;

/// <summary>Any sequence of calls, against the model.</summary>
public abstract partial class MessageStoreSpec
{
    private static readonly string[] RandomRooms = ["a", "b", "c"];
    private static readonly string[] RandomUsers = [.. Enumerable.Range(1, 14).Select(i => $"u{i}")];
    private static readonly string[] RandomWords = ["apple", "pear", "plum"];

    [Fact]
    public async Task Any_sequence_of_calls_answers_as_the_model_does()
    {
        var seed = Seed.Print(output);
        try
        {
            await new RandomCalls(this, seed).RunAsync(1_000);
        }
        catch (Exception error)
        {
            Assert.Fail($"seed {seed}: {error}");
        }
    }

    private sealed class RandomCalls(MessageStoreSpec spec, int seed)
    {
        private readonly Random _random = new(seed);
        private readonly MessageModel _model = new();
        private readonly Dictionary<string, long> _epochs = RandomRooms.ToDictionary(room => room, _ => 0L);
        private int _ids;
        private long _now = 1_000;

        private IMessageStore Store => spec.Store;

        public async Task RunAsync(int steps)
        {
            for (var step = 0; step < steps; step++)
            {
                _now += _random.Next(-3, 6);
                switch (_random.Next(100))
                {
                    case < 8: await OpenAsync(); break;
                    case < 55: await WriteAsync(); break;
                    case < 75: await ReadAsync(); break;
                    case < 85: await MarkAsync(); break;
                    case < 90: await RetainAsync(); break;
                    case < 91: await spec.ReopenAsync(); break;
                    case < 93: await Store.PurgeAsync(_random.Next(1, 5), default); break;
                    case < 94 when _random.Next(8) == 0: await CloseAsync(); break;
                    default: await CompareSmallAsync(); break;
                }
            }

            await CompareSearchAsync();
            await spec.ReopenAsync();
            await CompareSearchAsync();
        }

        private async Task OpenAsync()
        {
            var rooms = RandomRooms.Where(_ => _random.Next(2) == 0).Select(room => new RoomAtEpoch(room, Math.Max(1, _epochs[room] + _random.Next(-1, 2)))).ToList();
            Same(rooms.Select(room => _model.Open(room.Room, room.Epoch)), await Store.OpenAsync(rooms, default));
            rooms.ForEach(room => _epochs[room.Room] = Math.Max(_epochs[room.Room], room.Epoch));
        }

        private async Task WriteAsync()
        {
            var batch = new List<RoomWrite>();
            foreach (var room in RandomRooms.Where(_ => _random.Next(2) == 0))
            {
                var rev = _model.Write(new RoomWrite(room, _epochs[room], -1, [])).Rev;
                var wrong = _random.Next(20) == 0;
                var changes = Enumerable.Range(0, _random.Next(1, 6)).Select(_ => Change(rev)).ToList();
                batch.Add(new RoomWrite(room, Math.Max(1, _epochs[room] - (wrong ? _random.Next(2) : 0)), rev - (wrong ? _random.Next(2) : 0), changes));
            }

            Same(batch.Select(_model.Write), await Store.WriteAsync(batch, default));
        }

        private RoomChange Change(long rev)
        {
            var author = User();
            var clientId = _random.Next(6) == 0 ? $"{_random.Next(_ids + 1)}" : $"{++_ids}";
            var seq = _random.NextInt64(Math.Max(0, rev - 30), rev + 3);
            return _random.Next(12) switch
            {
                < 5 => new PostMessage(
                    author, clientId, _now, (MessageKind)_random.Next(3), Body(), _random.Next(4) == 0 ? seq : null, Files(), Mentions()),
                < 7 => new EditMessage(author, clientId, _now, seq, Body(), Mentions()),
                7 => new DeleteMessage(author, clientId, _now, seq, _random.Next(2) == 0),
                _ => new React(author, clientId, _now, seq, $"e{_random.Next(3) * _random.Next(12)}", _random.Next(3) != 0),
            };
        }

        private async Task ReadAsync()
        {
            var (room, limit, reader) = (Room(), _random.Next(1, 30), _random.Next(4) == 0 ? null : User());
            var rev = _model.After(room, long.MaxValue, 1, null).Rev;
            var after = Math.Max(0, rev - _random.Next(-2, 60));
            Same(_model.After(room, after, limit, reader), await Store.ReadAfterAsync(room, after, limit, reader, default));
            long? before = _random.Next(2) == 0 ? null : _random.NextInt64(0, rev + 3);
            Same(_model.Before(room, before, limit, reader), await Store.ReadBeforeAsync(room, before, limit, reader, default));
            Same(_model.Find(room, after, reader), await Store.FindMessageAsync(room, after, reader, default));
        }

        private async Task MarkAsync()
        {
            var marks = Enumerable.Range(0, 3).Select(_ => new ReadMark(User(), Room(), _random.NextInt64(0, 200))).ToList();
            marks.ForEach(mark => _model.Mark(mark.User, mark.Room, mark.Seq));
            await Store.WriteMarksAsync(marks, default);
        }

        private async Task RetainAsync()
        {
            var (room, before, limit) = (Room(), _now - _random.Next(5, 300), _random.Next(1, 10));
            var at = new RoomAtEpoch(room, _epochs[room] + (_random.Next(10) == 0 ? _random.Next(-1, 2) : 0));
            Same(_model.Retain(at, before, limit), await Store.RetainAsync(at, before, 0, limit, default));
        }

        private async Task CloseAsync()
        {
            var room = Room();
            if (_epochs[room] > 0)
            {
                _model.Close(room);
                await Store.CloseAsync(room, default);
            }
        }

        private async Task CompareSmallAsync()
        {
            var user = User();
            Same(RandomRooms.Select(room => _model.ReadMark(user, room)), await Store.ReadMarksAsync(user, RandomRooms, default));
            Same(RandomRooms.Select(_model.Epoch), await Store.ReadEpochsAsync(RandomRooms, default));
            var (room, clientId) = (Room(), $"{_random.Next(_ids + 1)}");
            Same(_model.FindAnswer(room, user, clientId), await Store.FindAnswerAsync(room, user, clientId, default));
        }

        private async Task CompareSearchAsync()
        {
            foreach (var word in RandomWords)
            {
                var expected = _model.Search(word, RandomRooms).Order().ToList();
                await Eventually.Holds(async () =>
                {
                    var hits = new List<(string, long)>();
                    string? after = null;
                    do
                    {
                        var page = await spec.FindAsync(word, RandomRooms, after, limit: 17);
                        hits.AddRange(page.Hits.Select(hit => (hit.Room, hit.Message.Seq)));
                        after = page.Next;
                    }
                    while (after is not null);
                    return hits.Order().SequenceEqual(expected);
                });
            }
        }

        private static void Same<T>(T expected, T actual) =>
            Assert.Equal(JsonSerializer.Serialize(expected), JsonSerializer.Serialize(actual));

        private static void Same<T>(IEnumerable<T> expected, IReadOnlyList<T> actual) => Same<IReadOnlyList<T>>(expected.ToList(), actual.ToList());

        private string Room() => RandomRooms[_random.Next(RandomRooms.Length)];

        private string User() => RandomUsers[_random.Next(RandomUsers.Length)];

        private string Body() => string.Join(' ', Enumerable.Range(0, _random.Next(1, 3)).Select(_ => RandomWords[_random.Next(RandomWords.Length)]));

        private IReadOnlyList<string> Mentions() => _random.Next(3) == 0 ? [.. RandomUsers.Where(_ => _random.Next(5) == 0)] : [];

        private IReadOnlyList<AttachedFile> Files() => _random.Next(5) == 0 ? [new AttachedFile("f", "n", _random.Next(9), "t/t")] : [];
    }
}
