using System.Collections.Immutable;
using DChat.Protocol;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>Answers that a dialog waits for. One that is for a question that is no longer asked changes nothing.</summary>
internal static class DialogNews
{
    /// <summary>Items that a list holds at most; who wants more narrows it by typing.</summary>
    private const int ItemsMax = 2_000;

    public static Step Apply(Model model, UiEvent happened) => happened switch
    {
        UiEvent.RoomsListed listed when model.Dialog is Dialog.Menu { Kind: MenuKind.Browse } menu && menu.Query == listed.Query =>
            model.With(Add(menu, listed.After, listed.Rooms.Select(room => Menus.ItemOf(room, model.Now)), listed.Next)),
        UiEvent.SearchDone found when model.Dialog is Dialog.Menu { Kind: MenuKind.Search or MenuKind.SearchEverywhere } menu && menu.Query == found.Query => Found(model, menu, found),
        UiEvent.ContextLoaded context when model.Dialog is Dialog.Menu { Chosen.Choice: Choice.Jump jump } menu && jump.Room == context.Room && jump.Seq == context.Seq =>
            model.With(menu with { Context = (context.Room, context.Seq, context.Messages) }),
        UiEvent.BansListed bans when model.Dialog is Dialog.Menu { Kind: MenuKind.Bans } menu && menu.Subject == bans.Room =>
            model.With(menu with { Busy = false, Items = [.. bans.Bans.Select(BanItem)] }),
        UiEvent.PasswordNeeded needed => Password(model, needed),
        UiEvent.PathsListed paths => Paths(model, paths),
        _ => model,
    };

    private static Step Password(Model model, UiEvent.PasswordNeeded needed) => model.Dialog is Dialog.Form { Kind: FormKind.Password }
        ? model.With(Forms.Password(needed.Room, needed.Title, wasWrong: true))
        : (model.Dialog is { Busy: true } dialog ? model.With(dialog with { Busy = false }) : model).Push(Forms.Password(needed.Room, needed.Title, needed.WasWrong));

    private static Step Found(Model model, Dialog.Menu menu, UiEvent.SearchDone found)
    {
        const int PreviewMax = 200;
        var items = found.Hits.Select(hit => new MenuItem(
            $"{SafeText.Clean(hit.Message.Author)}: {MessageBody.Preview(hit.Message, PreviewMax)}",
            $"{(menu.Kind == MenuKind.SearchEverywhere ? model.Chat.Rooms.GetValueOrDefault(hit.Room)?.Address + "  " : "")}{TimeText.Age(hit.Message.SentAt, model.Now)}",
            new Choice.Jump(hit.Room, hit.Message.Seq)));
        var next = Add(menu, found.After, items, found.Next);
        var step = model.With(next).Step();
        return found.After is null && next.Chosen?.Choice is Choice.Jump jump ? step.And(new Effect.LoadContext(jump.Room, jump.Seq)) : step;
    }

    private static Dialog.Menu Add(Dialog.Menu menu, string? after, IEnumerable<MenuItem> items, string? next)
    {
        ImmutableArray<MenuItem> all = after is null ? [.. items] : [.. menu.Items, .. items];
        return menu with { Items = all, Answered = menu.Query, Next = all.Length < ItemsMax ? next : null, Busy = false, Selected = after is null ? 0 : menu.Selected };
    }

    private static MenuItem BanItem(BanInfo ban) => new(
        SafeText.Clean(ban.User),
        $"by {SafeText.Clean(ban.By)}{(ban.Reason is { Length: > 0 } reason ? ": " + SafeText.Clean(reason) : "")} · Enter ends it",
        new Choice.Moderate(Moderation.Unban, SafeText.Clean(ban.User)));

    /// <summary>The part that all found paths have in common goes into the form.</summary>
    private static Step Paths(Model model, UiEvent.PathsListed paths)
    {
        if (model.Dialog is not Dialog.Form { Kind: FormKind.Upload } form || form.Fields["path"] != paths.Prefix.Trim())
        {
            return model;
        }

        if (paths.Paths.Length == 0)
        {
            return model.With(form with { Problem = "No file begins like that." });
        }

        var common = paths.Paths.Aggregate((a, b) => a[..a.AsSpan().CommonPrefixLength(b)]) ?? "";
        const int NamesShown = 6;
        var names = paths.Paths.Length == 1 ? null : string.Join("  ", paths.Paths.Take(NamesShown).Select(p => SafeText.Clean(Path.GetFileName(p.TrimEnd(Path.DirectorySeparatorChar))))) + (paths.Paths.Length > NamesShown ? "  …" : "");
        return model.With(form with { Fields = form.Fields.Set("path", common), Problem = names });
    }
}
