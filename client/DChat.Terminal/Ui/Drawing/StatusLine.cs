using System.Globalization;
using DChat.Terminal.Output;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>The last row: what just happened, or how things stand, and two keys to begin with.</summary>
internal static class StatusLine
{
    public static void Draw(Model model, Canvas canvas)
    {
        if (canvas.Size.Height == 0)
        {
            return;
        }

        var theme = model.Theme;
        var hint = $"{model.Keymap.KeyOf(Act.Help)} help  {model.Keymap.KeyOf(Act.FindRoom)} go to ";
        var hintWidth = canvas.Size.Width >= 60 ? TextWidth.Of(hint) + 2 : 0;
        if (hintWidth > 0)
        {
            canvas.Write(canvas.Size.Width - hintWidth + 1, 0, hint, theme.Dim);
        }

        var room = canvas.Clip(new Rect(0, 0, canvas.Size.Width - hintWidth, 1));
        if (model.Toast is { } toast)
        {
            room.Write(1, 0, TextWidth.Truncate(toast.Text, room.Size.Width - 2), toast.IsBad ? theme.Bad : theme.Text);
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
