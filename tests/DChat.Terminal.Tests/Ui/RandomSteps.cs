using System.Collections.Immutable;
using DChat.Protocol;
using DChat.Terminal.Screen;
using DChat.Terminal.Ui;

namespace DChat.Terminal.Tests.Ui;

/// <summary>A number as something that happens: a key, the mouse, another size, news of the server.</summary>
internal static class RandomSteps
{
    public static readonly string[] Hostile =
    [
        "\u001b[2J\u001b[31mred\u001b]0;title\u0007",
        "\u202Egnirts desrever\u202C and \u2066isolated\u2069",
        "zero\u200B\u200Dwidth\uFEFF",
        "e\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301",
        new('x', 3_000),
        new('\n', 40),
        "👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧",
        "\uD800 lone \uDFFF",
        "**[*_~`**]~_(`*",
        "```\ncode",
        "> > > quote",
        "日本語日本語日本語日本語",
        "@ann @ANN, @ann.",
        "[a](https://example.org) https://example.org/…",
        "\t\ttabs\r\nlines\u2028more\u0085end",
        "",
    ];

    private static readonly string[] Keys =
    [
        "enter", "escape", "tab", "shift+tab", "backspace", "delete", "up", "down", "left", "right", "home", "end", "pageup", "pagedown",
        "f1", "f2", "f4", "f5", "f6", "f7", "f8", "f9", "ctrl+k", "ctrl+s", "alt+s", "ctrl+a", "ctrl+e", "ctrl+w", "ctrl+u", "alt+k", "ctrl+y", "ctrl+t",
        "ctrl+_", "alt+b", "alt+f", "alt+d", "alt+enter", "ctrl+n", "ctrl+p", "alt+a", "alt+l", "alt+1", "alt+2", "alt+3", "alt+t", "alt+n", "ctrl+o",
        "ctrl+home", "ctrl+end", "shift+up", "shift+down", "ctrl+up", "ctrl+down", "alt+p", "ctrl+c", "alt+<", "alt+>",
        "r", "e", "d", "+", "y", "g", "s", "a", "i", "t", "x", "?", "/", "@", "#", ":", "h", "j", "k", "l", "w", "b", "0", "$", "c", "o", "n", "space", "日", "👍", "é",
    ];

    public static void Take(World world, int choice)
    {
        var (kind, rest) = (choice % 32, choice / 32);
        switch (kind)
        {
            case < 18:
                world.Press(Keys[rest % Keys.Length]);
                break;
            case 18:
                world.Type(Hostile[rest % Hostile.Length].Length > 200 ? "long" : Hostile[rest % Hostile.Length]);
                break;
            case 19:
                world.Paste(Hostile[rest % Hostile.Length]);
                break;
            case 20:
                world.Resize(1 + (rest % 130), 1 + (rest / 130 % 45));
                break;
            case 21:
                world.Resize(40 + (rest % 60), 10 + (rest / 60 % 20));
                break;
            case 22:
                world.Click(rest % 130, rest / 130 % 45, rest % 3);
                break;
            case 23:
                world.Happens(new UiEvent.Input(new MouseInput(rest % 2 == 0 ? MouseKind.WheelUp : MouseKind.WheelDown, rest % 90, rest % 25, 0, KeyModifiers.None)));
                break;
            case 24:
                world.Happens(new UiEvent.Input(new FocusChanged(rest % 2 == 0)));
                break;
            default:
                world.Happens(News(world, rest));
                break;
        }
    }

    private static UiEvent News(World world, int rest)
    {
        var room = world.Model.Chat.Order is { Length: > 0 } order ? order[rest % order.Length] : "garden";
        var view = world.Model.Chat.Rooms.GetValueOrDefault(room) ?? World.Room(room, []);
        var hostile = Hostile[rest / 7 % Hostile.Length];
        var next = view.NewestSeq + 1;
        return (rest / 3 % 16) switch
        {
            0 or 1 or 2 => new UiEvent.RoomChanged(view with { Messages = [.. view.Messages, Posted(next, hostile, rest)], Unread = view.Unread + 1 }),
            3 => new UiEvent.RoomChanged(view with { Messages = World.Many(1 + (rest % 90)), HasOlder = rest % 2 == 0, ReadSeq = rest % 50, Unread = rest % 40 }),
            4 => new UiEvent.RoomChanged(view with { Messages = [.. view.Messages.Skip(rest % 5)], HasOlder = true }),
            5 => new UiEvent.RoomChanged(World.Room("r" + (rest % 30), World.Many(rest % 4)) with { Title = SafeText.Clean(hostile), Topic = SafeText.Clean(hostile), IsDirect = rest % 4 == 0 }),
            6 => new UiEvent.RoomGone(room, "gone", rest % 2 == 0 ? RemovalReasons.Kicked : RemovalReasons.Deleted),
            7 => new UiEvent.PendingChanged([.. Enumerable.Range(0, rest % 4).Select(i => new PendingMessage("p" + i, room, hostile, null, i == 2 ? 1 : null, i % 2 == 0, i == 1 ? hostile : null, 0))]),
            8 => new UiEvent.SendRefused(new FailedMessage("f" + rest, room, hostile, null, null, SafeText.Clean(hostile), rest)),
            9 => new UiEvent.LinkChanged(new LinkView((Link)(rest % 3), SafeText.Clean(hostile), rest % 900, SafeText.Clean(hostile), World.Noon.AddSeconds(rest % 20))),
            10 => new UiEvent.Tick(World.Noon.AddSeconds(rest % 100_000)),
            11 => new UiEvent.Arrived(room, Posted(next, hostile, rest), rest % 2 == 0 ? Posted(next, hostile, rest) : null),
            12 => new UiEvent.OlderLoaded(room, rest % 3 == 0 ? "no" : null),
            13 => new UiEvent.MembersListed(room, [.. Enumerable.Range(0, rest % 50).Select(i => new MemberView("user" + i, SafeText.Clean(hostile), i == 0 ? Roles.Owner : Roles.Member, i % 2 == 0))]),
            14 => rest % 2 == 0 ? new UiEvent.Failed(SafeText.Clean(hostile)) : new UiEvent.Done(SafeText.Clean(hostile)),
            _ => new UiEvent.SearchDone(world.Model.Dialog is Dialog.Menu menu ? menu.Typed.Text.Trim() : "", null, [new SearchHit(room, Posted(1, hostile, rest))], rest % 2 == 0 ? "more" : null),
        };
    }

    private static Message Posted(long seq, string body, int rest) => World.Said(seq, rest % 3 == 0 ? "ann" : "bob" + body, body, at: rest % 3_000) with
    {
        Kind = (rest % 11) switch { 0 => MessageKinds.System, 1 => MessageKinds.Action, _ => MessageKinds.Text },
        ReplyTo = rest % 5 == 0 ? Math.Max(1, seq - 3) : null,
        DeletedAt = rest % 13 == 0 ? 5 : null,
        EditedAt = rest % 6 == 0 ? 5 : null,
        Files = rest % 9 == 0 ? [new("f", body, rest, "x/y")] : null,
        Reactions = rest % 7 == 0 ? new Dictionary<string, ReactionSummary> { [body] = new(rest, [body]) } : null,
    };
}
