using System.Globalization;
using DChat.Terminal.Output;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>The last row, or rows: what just happened, or how things stand, and two keys to begin with.</summary>
internal static class StatusLine
{
    private const int RowsMax = 3;
    private const int HintFrom = 60;

    public static void Draw(Model model, Canvas canvas)
    {
        if (canvas.Size.Height == 0)
        {
            return;
        }

        var theme = model.Theme;
        if (model.Toast is { } toast && !FitsBesideHint(model, toast))
        {
            DrawWhole(toast, canvas, StyleOf(model, toast));
            return;
        }

        var (hint, hintWidth) = Hint(model);
        if (hintWidth > 0)
        {
            canvas.Write(canvas.Size.Width - hintWidth + 1, 0, hint, theme.Dim);
        }

        var room = canvas.Clip(new Rect(0, 0, canvas.Size.Width - hintWidth, 1));
        if (model.Toast is { } brief)
        {
            room.Write(1, 0, brief.Text, StyleOf(model, brief));
            return;
        }

        var x = 1;
        foreach (var (text, style) in Parts(model, room.Size.Width))
        {
            if (x + TextWidth.Of(text) >= room.Size.Width && x > 1)
            {
                break;
            }

            x += room.Write(x, 0, TextWidth.Truncate(text, room.Size.Width - x - 1), style) + 2;
        }
    }

    /// <summary>One, but for words that need more: what to try stands at their end.</summary>
    public static int RowsOf(Model model) => model.Toast is { } toast && !FitsBesideHint(model, toast)
        ? Math.Clamp(Wrapped(toast, model.Size.Width).Count, 1, Math.Clamp(model.Size.Height / 3, 1, RowsMax))
        : 1;

    private static void DrawWhole(Toast toast, Canvas canvas, Style style)
    {
        var rows = Wrapped(toast, canvas.Size.Width);
        var last = canvas.Size.Height - 1;
        for (var y = 0; y <= last && y < rows.Count; y++)
        {
            var isCut = y == last && rows.Count > canvas.Size.Height;
            canvas.Write(1, y, isCut ? TextWidth.Truncate($"{rows[y].TrimEnd()} {rows[y + 1]}", canvas.Size.Width - 2) : rows[y], style);
        }
    }

    private static List<string> Wrapped(Toast toast, int width) =>
        [.. TextLayout.Wrap([new Span(toast.Text, Style.Default)], Math.Max(1, width - 2)).Select(line => string.Concat(line.Select(span => span.Text)))];

    private static bool FitsBesideHint(Model model, Toast toast) => TextWidth.Of(toast.Text) <= model.Size.Width - Hint(model).Width - 2;

    private static (string Text, int Width) Hint(Model model)
    {
        var hint = $"{model.Keymap.KeyOf(Act.Help)} help  {model.Keymap.KeyOf(Act.FindRoom)} go to ";
        return (hint, model.Size.Width >= HintFrom ? TextWidth.Of(hint) + 2 : 0);
    }

    private static Style StyleOf(Model model, Toast toast) => toast.IsBad ? model.Theme.Bad : model.Theme.Text;

    private static IEnumerable<(string Text, Style Style)> Parts(Model model, int width)
    {
        var (chat, theme) = (model.Chat, model.Theme);
        yield return chat.Link.State switch
        {
            Link.Online => ("● online", theme.Good),
            Link.Connecting => ("◌ connecting", theme.New),
            _ => ($"○ offline{Again(model)}", theme.Bad),
        };
        if (chat.Unsent > 0)
        {
            var failed = chat.Memory.Failed.Length;
            yield return (string.Create(CultureInfo.InvariantCulture, $"{chat.Unsent} unsent{(failed > 0 ? $", {failed} refused" : "")}"), failed > 0 ? theme.Bad : theme.New);
        }

        foreach (var transfer in chat.Transfers)
        {
            yield return (TransferText(transfer), theme.Accent);
        }

        // Where there is no line for it above the input, it is said here.
        if (!Layout.Of(model).HasRules && View.Below(model) is { Text.Length: > 0 } below)
        {
            yield return below;
        }

        if (chat.Memory.DoNotDisturb)
        {
            yield return ("do not disturb", theme.New);
        }

        if (model.Settings.Vi)
        {
            yield return (chat.Pane.Vi.IsNormal ? "NORMAL" : "INSERT", theme.Dim);
        }

        if (chat.Link is { State: Link.Online } link)
        {
            const int WorkerMax = 12;
            yield return ($"{chat.Me}", theme.Dim);
            yield return (string.Create(CultureInfo.InvariantCulture, $"{TextWidth.Truncate(link.Worker ?? "", WorkerMax)}{(link.LatencyMs is { } ms ? $" {ms} ms" : "")}"), theme.Dim);
        }
        else if (chat.Link.Problem is { } problem && width > 40)
        {
            yield return (problem, theme.Dim);
        }
    }

    private static string Again(Model model) => model.Chat.Link.RetryAt is { } at && at > model.Now
        ? string.Create(CultureInfo.InvariantCulture, $", again in {Math.Ceiling((at - model.Now).TotalSeconds):0} s")
        : "";

    private static string TransferText(Transfer transfer)
    {
        const int NameMax = 16;
        var done = transfer.Total is > 0 and var total
            ? string.Create(CultureInfo.InvariantCulture, $"{Math.Clamp(transfer.Done * 100 / total, 0, 100)} %")
            : MessageText.Size(transfer.Done);
        return $"{(transfer.Upload ? "↑" : "↓")} {TextWidth.Truncate(transfer.Name, NameMax)} {done}";
    }
}
