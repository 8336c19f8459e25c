using System.Collections.Immutable;

namespace DChat.Terminal.Ui;

/// <summary>What would complete the word at the cursor.</summary>
/// <param name="From">Where the word begins.</param>
/// <param name="Items">The best first.</param>
internal sealed record Completion(int From, ImmutableArray<CompletionItem> Items, int Selected)
{
    /// <summary>Rows of the list that are shown.</summary>
    public const int Shown = 8;

    private const int ItemsMax = 50;

    /// <summary>What fits at the cursor, or null.</summary>
    /// <param name="asked">By a key; else only what is offered while typing.</param>
    public static Completion? For(Model model, Editor editor, bool asked)
    {
        var from = WordStart(editor);
        if (from == editor.Cursor && !asked)
        {
            return null;
        }

        var word = editor.Text[from..editor.Cursor];
        var items = ItemsFor(model, editor, from, word, asked);
        return items.Length == 0 || (items is [var only] && only.Insert.TrimEnd() == word) ? null : new Completion(from, items, 0);
    }

    public Completion Move(int by) => this with { Selected = (Selected + by + Items.Length) % Items.Length };

    public Editor Accept(Editor editor) => editor.Replace(From, editor.Cursor, Items[Selected].Insert);

    /// <summary>Whether the word is <c>@</c> and a name that is not typed to its end: nobody means to send that.</summary>
    public bool IsPartOfName(Editor editor)
    {
        var word = editor.Text[From..editor.Cursor];
        return word is ['@', _, ..] && !Items.Any(item => item.Insert.TrimEnd().Equals(word, StringComparison.OrdinalIgnoreCase));
    }

    private static ImmutableArray<CompletionItem> ItemsFor(Model model, Editor editor, int from, string word, bool asked)
    {
        var isLineStart = from == 0;
        if (isLineStart && word.StartsWith('/'))
        {
            return [.. SlashCommand.All.Where(c => c.Name.StartsWith(word[1..], StringComparison.OrdinalIgnoreCase)).Select(c => new CompletionItem($"/{c.Name} ", $"/{c.Name} {c.Arguments}".TrimEnd(), c.Says))];
        }

        if (SlashCommand.Typed(editor.Text) is { TakesUser: true } && !word.StartsWith('#') && !word.StartsWith(':') && from > 0)
        {
            return Best(word.TrimStart('@'), Names(model), name => new CompletionItem(name + " ", name, ""));
        }

        return word switch
        {
            ['@', ..] => Best(word[1..], Names(model), name => new CompletionItem($"@{name} ", "@" + name, "")),
            ['#', ..] => Best(word[1..], model.Chat.Rooms.Values.Where(r => !r.IsDirect).Select(r => r.Title), title => new CompletionItem($"#{title} ", "#" + title, "")),
            [':', _, _, ..] => Best(word[1..], Emoji.All.Select(e => e.Name), name => new CompletionItem(Emoji.Find(name) + " ", $"{Emoji.Find(name)} :{name}:", "")),
            _ when asked && word.Length > 0 => Best(word, Names(model), name => new CompletionItem(isLineStart ? $"@{name} " : name + " ", name, "")),
            _ => [],
        };
    }

    private static ImmutableArray<CompletionItem> Best(string pattern, IEnumerable<string> names, Func<string, CompletionItem> make) =>
    [
        .. names.Distinct(StringComparer.OrdinalIgnoreCase)
            .Select(name => (Name: name, Starts: name.StartsWith(pattern, StringComparison.OrdinalIgnoreCase), Score: Fuzzy.Score(pattern, name)))
            .Where(found => found.Score is not null)
            .OrderByDescending(found => found.Starts)
            .ThenByDescending(found => found.Score)
            .ThenBy(found => found.Name, StringComparer.OrdinalIgnoreCase)
            .Take(ItemsMax)
            .Select(found => make(found.Name)),
    ];

    /// <summary>Those who wrote last come first; then those who are here.</summary>
    private static IEnumerable<string> Names(Model model)
    {
        const int Recent = 200;
        if (model.Chat.Room is not { } room)
        {
            return [];
        }

        var wrote = room.Messages.Skip(Math.Max(0, room.Messages.Count - Recent)).Reverse().Select(m => Screen.SafeText.Clean(m.Author));
        var members = model.Chat.Pane.Members?.Select(m => m.User) ?? [];
        return wrote.Concat(room.Presence.Keys.Select(Screen.SafeText.Clean)).Concat(members).Where(name => name.Length > 0 && !string.Equals(name, model.Chat.Me, StringComparison.OrdinalIgnoreCase));
    }

    private static int WordStart(Editor editor)
    {
        var at = editor.Cursor;
        while (at > 0 && !char.IsWhiteSpace(editor.Text[at - 1]))
        {
            at--;
        }

        return at;
    }
}

/// <param name="Insert">What takes the word's place.</param>
/// <param name="Shown">How the list shows it.</param>
/// <param name="Says">What it does.</param>
internal sealed record CompletionItem(string Insert, string Shown, string Says);
