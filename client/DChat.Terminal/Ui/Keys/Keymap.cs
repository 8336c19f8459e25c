using System.Collections.Immutable;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>Which key does what.</summary>
internal sealed class Keymap
{
    private static readonly (Act Act, string Keys)[] Defaults =
    [
        (Act.Help, "f1"),
        (Act.FindRoom, "ctrl+k"),
        (Act.BrowseRooms, "f4"),
        (Act.CreateRoom, "f5"),
        (Act.Search, "ctrl+s"),
        (Act.SearchEverywhere, "alt+s"),
        (Act.RoomMenu, "f6"),
        (Act.Members, "f7"),
        (Act.Commands, "f2"),
        (Act.Upload, "ctrl+o"),
        (Act.NextRoom, "alt+down ctrl+n"),
        (Act.PreviousRoom, "alt+up ctrl+p"),
        (Act.NextUnread, "alt+a"),
        (Act.LastRoom, "alt+l"),
        (Act.ToggleRooms, "f8"),
        (Act.ToggleMembers, "f9"),
        (Act.ToggleTimes, "alt+t"),
        (Act.ToggleDoNotDisturb, "alt+n"),
        (Act.Redraw, "ctrl+l"),
        (Act.Suspend, "ctrl+z"),
        (Act.Interrupt, "ctrl+c"),
        (Act.Quit, "ctrl+q"),
        (Act.PageUp, "pageup"),
        (Act.PageDown, "pagedown"),
        (Act.LineUp, "ctrl+up"),
        (Act.LineDown, "ctrl+down"),
        (Act.FirstMessage, "ctrl+home alt+home"),
        (Act.LastMessage, "ctrl+end alt+end"),
        (Act.SelectUp, "shift+up"),
        (Act.SelectDown, "shift+down alt+j"),
        (Act.Send, "enter"),
        (Act.NewLine, "alt+enter ctrl+j shift+enter"),
        (Act.Complete, "tab"),
        (Act.Cancel, "escape ctrl+g"),
        (Act.Up, "up"),
        (Act.Down, "down"),
        (Act.RecallOlder, "alt+p"),
        (Act.RecallNewer, "alt+o"),
        (Act.Left, "left ctrl+b"),
        (Act.Right, "right ctrl+f"),
        (Act.WordLeft, "alt+b alt+left ctrl+left"),
        (Act.WordRight, "alt+f alt+right ctrl+right"),
        (Act.LineStart, "home ctrl+a"),
        (Act.LineEnd, "end ctrl+e"),
        (Act.TextStart, "alt+<"),
        (Act.TextEnd, "alt+>"),
        (Act.Backspace, "backspace ctrl+h shift+backspace"),
        (Act.Delete, "delete ctrl+d"),
        (Act.KillWordLeft, "ctrl+w alt+backspace ctrl+backspace"),
        (Act.KillWordRight, "alt+d ctrl+delete"),
        (Act.KillToStart, "ctrl+u"),
        (Act.KillToEnd, "alt+k"),
        (Act.Yank, "ctrl+y"),
        (Act.Transpose, "ctrl+t"),
        (Act.Undo, "ctrl+_ ctrl+/ alt+u"),
    ];

    public static readonly Keymap Default = new(DefaultKeys());

    private readonly ImmutableDictionary<Chord, Act> acts;
    private readonly ImmutableDictionary<Act, ImmutableArray<Chord>> chords;

    private Keymap(IReadOnlyDictionary<Act, ImmutableArray<Chord>> keys)
    {
        chords = keys.ToImmutableDictionary();
        var byChord = ImmutableDictionary.CreateBuilder<Chord, Act>();
        foreach (var (act, all) in keys)
        {
            foreach (var chord in all)
            {
                byChord.TryAdd(chord, act);
            }
        }

        acts = byChord.ToImmutable();
    }

    public Act? Find(KeyPressed pressed) => acts.TryGetValue(Chord.Of(pressed), out var act) ? act : null;

    /// <summary>The keys of an act, for people; empty where it has none.</summary>
    public string KeysOf(Act act) => string.Join("  ", chords.GetValueOrDefault(act, []).Select(chord => chord.ToString()));

    /// <summary>The first of them, for hints.</summary>
    public string KeyOf(Act act) => chords.GetValueOrDefault(act, []) is [var first, ..] ? first.ToString() : "";

    /// <summary>With the keys of a config file; a key that is given to an act is taken from the one that had it.</summary>
    /// <returns>What is wrong in the file, or null.</returns>
    public static (Keymap Keymap, string? Problem) With(ImmutableDictionary<string, ImmutableArray<string>> configured)
    {
        var keys = DefaultKeys();
        foreach (var (name, texts) in configured.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            if (!TryFind(name, out var act))
            {
                return (Default, $"keys: '{name}' is nothing that a key can do; {UiSettings.FileName} is not used for keys. docs/terminal.md lists the names.");
            }

            List<Chord> given = [];
            foreach (var text in texts.IsDefault ? [] : texts)
            {
                if (!Chord.TryParse(text, out var chord))
                {
                    return (Default, $"keys: '{text}' (for {name}) is no key; expected something like ctrl+k, alt+enter or f4.");
                }

                given.Add(chord);
            }

            foreach (var other in keys.Keys.ToList())
            {
                keys[other] = [.. keys[other].Except(given)];
            }

            keys[act] = [.. given];
        }

        return (new Keymap(keys), null);
    }

    private static bool TryFind(string name, out Act act)
    {
        foreach (var candidate in Enum.GetValues<Act>())
        {
            if (string.Equals(Acts.NameOf(candidate), name, StringComparison.OrdinalIgnoreCase))
            {
                act = candidate;
                return true;
            }
        }

        act = default;
        return false;
    }

    private static Dictionary<Act, ImmutableArray<Chord>> DefaultKeys() => Defaults.ToDictionary(
        pair => pair.Act,
        pair => pair.Keys.Split(' ').Select(Parse).ToImmutableArray());

    private static Chord Parse(string text) => Chord.TryParse(text, out var chord) ? chord : throw new FormatException(text);
}
