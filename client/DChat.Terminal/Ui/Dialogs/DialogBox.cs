using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>Where a dialog stands, and the rows in it. On a small screen it takes all of it.</summary>
/// <param name="List">Where a menu's items are.</param>
internal sealed record DialogBox(Rect Outer, Rect Inner, Rect List)
{
    private const int SmallWidth = 48;
    private const int SmallHeight = 16;
    private const int ContextRows = 7;
    private const int ContextFrom = 22;

    public static DialogBox Of(Model model, Dialog dialog)
    {
        var (width, height) = model.Size;
        var small = width < SmallWidth || height < SmallHeight;
        var w = small ? width : Math.Min(width - 4, WidthOf(dialog));
        var h = small ? height : Math.Min(height - 2, HeightOf(model, dialog, w - 4));
        // Always a bit above the middle, where one looks.
        var outer = new Rect((width - w) / 2, Math.Max(0, (height - h) / 3), w, h);
        var inner = new Rect(outer.X + 2, outer.Y + 1, Math.Max(1, w - 4), Math.Max(1, h - 2));
        return new DialogBox(outer, inner, ListOf(dialog, inner));
    }

    /// <summary>The first item in view.</summary>
    public int TopOf(Dialog.Menu menu) => Math.Clamp(menu.Selected - (List.Height / 2), 0, Math.Max(0, menu.Shown.Length - List.Height));

    private static Rect ListOf(Dialog dialog, Rect inner)
    {
        if (dialog is not Dialog.Menu menu)
        {
            return inner;
        }

        var typed = menu.Types ? 2 : 0;
        var context = HasContext(menu, inner.Height) ? ContextRows + 1 : 0;
        return new Rect(inner.X, inner.Y + typed, inner.Width, Math.Max(1, inner.Height - typed - context - 1));
    }

    public static bool HasContext(Dialog.Menu menu, int height) => menu.Kind is MenuKind.Search or MenuKind.SearchEverywhere && height >= ContextFrom - 4;

    private static int WidthOf(Dialog dialog) => dialog switch
    {
        Dialog.Help => 84,
        Dialog.Menu { Kind: MenuKind.Search or MenuKind.SearchEverywhere or MenuKind.Browse } => 90,
        Dialog.Menu { Types: true } => 68,
        Dialog.Menu => 46,
        _ => 62,
    };

    private static int HeightOf(Model model, Dialog dialog, int inner) => dialog switch
    {
        Dialog.Help => model.Size.Height,
        Dialog.Info info => info.Lines.Length + 3,
        Dialog.Confirm confirm => TextLayout.Wrap([new Span(confirm.Text, default)], inner).Count + 4,
        Dialog.Form form => form.Fields.All.Length + 5 + (form.Text.Length > 0 ? 2 : 0),
        Dialog.Menu { Kind: MenuKind.Search or MenuKind.SearchEverywhere } => 28,
        Dialog.Menu { Types: true } => 20,
        Dialog.Menu menu => menu.Items.Length + 4,
        _ => 10,
    };
}
