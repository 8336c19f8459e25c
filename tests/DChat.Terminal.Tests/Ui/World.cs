using System.Collections.Immutable;
using System.Globalization;
using DChat.Protocol;
using DChat.Terminal.Screen;
using DChat.Terminal.Ui;

namespace DChat.Terminal.Tests.Ui;

/// <summary>A screen under test: events go in, effects and the drawn text come out. No terminal, no server, no clock.</summary>
internal sealed class World
{
    public static readonly DateTimeOffset Noon = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

    public World(int width = 80, int height = 20, Model? model = null) => Model = (model ?? Fresh()) with { Size = new Size(width, height) };

    public Model Model { get; private set; }

    /// <summary>All that was asked for since the last look.</summary>
    public List<Effect> Effects { get; } = [];

    public string Input => Model.Chat.Pane.Input.Text;

    public string Text
    {
        get
        {
            var frame = Draw();
            var lines = frame.ToText().Split('\n').ToList();
            if (frame.Cursor is { } cursor)
            {
                lines.Add(string.Create(CultureInfo.InvariantCulture, $"cursor {cursor.X},{cursor.Y}"));
            }

            return string.Join('\n', lines);
        }
    }

    /// <summary>A chat of ann's: two rooms, a direct one, and a few messages.</summary>
    public static World Chat(int width = 80, int height = 20)
    {
        var world = new World(width, height);
        world.Happens(
            new UiEvent.LinkChanged(new LinkView(Link.Online, "w-1", 3)),
            new UiEvent.RoomChanged(Garden()),
            new UiEvent.RoomChanged(Room("kitchen", []) with { Topic = "Who cooks?", Members = 2 }),
            new UiEvent.RoomChanged(Room("d-bob", [Said(1, "bob", "psst", at: 10)]) with { Title = "bob", IsDirect = true, Unread = 1, Presence = Here("ann", "bob") }),
            new UiEvent.Synced(),
            new UiEvent.MembersListed("garden", [new("ann", "Ann", Roles.Owner, true), new("bob", "bob", Roles.Member, true), new("cy", "cy", Roles.Moderator, false)]));
        world.Effects.Clear();
        return world;
    }

    public static World Start(int width = 80, int height = 20, params KnownSession[] sessions)
    {
        var world = new World(width, height);
        world.Model = world.Model with { Start = StartForm.Of("http://localhost:8080", null, [.. sessions]) };
        return world;
    }

    public static RoomView Garden() => Room("garden", [
        Said(1, "ann", "Good morning", at: -24 * 60),
        Said(2, "bob", "Hello **there**, see https://example.org", at: -30),
        Said(3, "bob", "and a second line", at: -29),
        Said(4, "ann", "Thanks @bob :)", at: -5) with { ReplyTo = 2, Reactions = new Dictionary<string, ReactionSummary> { ["👍"] = new(2, ["bob", "cy"]) } },
    ]) with
    { Topic = "What grows here", Members = 3, Online = 2, Presence = Here("ann", "bob"), ReadSeq = 4, Role = Roles.Owner };

    public static RoomView Room(string id, IReadOnlyList<Message> messages) => new()
    {
        Id = id,
        Title = id,
        Members = 1,
        Messages = messages,
        ReadSeq = messages.Count == 0 ? 0 : messages[^1].Seq,
    };

    /// <param name="at">Minutes after noon.</param>
    public static Message Said(long seq, string author, string body, int at = 0) =>
        new(seq, seq, MessageKinds.Text, author, "c" + seq, Noon.AddMinutes(at).ToUnixTimeMilliseconds(), body);

    public static IReadOnlyList<Message> Many(int count, int from = 1) =>
        [.. Enumerable.Range(from, count).Select(i => Said(i, i % 7 < 4 ? "bob" : "cy", $"message {i}", at: -count - from + i))];

    public static ImmutableDictionary<string, string> Here(params string[] users) => users.ToImmutableDictionary(user => user, _ => PresenceStates.Online);

    public World Happens(params UiEvent[] events)
    {
        foreach (var happened in events)
        {
            var (next, effects) = Update.Apply(Model, happened);
            Model = next;
            Effects.AddRange(effects);
        }

        return this;
    }

    /// <summary>Keys as the config file writes them.</summary>
    public World Press(params string[] chords)
    {
        foreach (var text in chords)
        {
            Assert.True(Chord.TryParse(text, out var chord), text);
            Happens(new UiEvent.Input(new KeyPressed(chord.Key, chord.Modifiers, chord.Character)));
        }

        return this;
    }

    public World Type(string text)
    {
        foreach (var grapheme in TextWidth.Graphemes(text))
        {
            Happens(new UiEvent.Input(new KeyPressed(Key.Character, KeyModifiers.None, grapheme)));
        }

        return this;
    }

    public World Click(int x, int y, int button = 0) => Happens(new UiEvent.Input(new MouseInput(MouseKind.Down, x, y, button, KeyModifiers.None)));

    public World Paste(string text) => Happens(new UiEvent.Input(new Pasted(text)));

    public World At(TimeSpan later) => Happens(new UiEvent.Tick(Noon + later));

    public World Resize(int width, int height) => Happens(new UiEvent.Input(new Resized(new Size(width, height))));

    public World Change(string room, Func<RoomView, RoomView> change) => Happens(new UiEvent.RoomChanged(change(Model.Chat.Rooms[room])));

    /// <summary>The effects of one kind, which then are forgotten.</summary>
    public IReadOnlyList<T> Asked<T>()
        where T : Effect
    {
        List<T> found = [.. Effects.OfType<T>()];
        Effects.RemoveAll(effect => effect is T);
        return found;
    }

    public CellBuffer Draw()
    {
        var frame = new CellBuffer(Model.Size);
        View.Draw(Model, frame.Canvas);
        return frame;
    }

    private static Model Fresh() => new()
    {
        Size = new Size(80, 20),
        Settings = new UiSettings(),
        Keymap = Keymap.Default,
        Theme = Theme.Dark,
        Now = Noon,
        LastKeyAt = Noon,
        Chat = new Chat { Me = "ann", Server = "http://localhost:8080/" },
    };
}
