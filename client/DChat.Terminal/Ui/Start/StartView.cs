using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>Draws the start screen.</summary>
internal static class StartView
{
    private const int WidthMax = 56;
    private const int LabelWidth = 12;

    /// <summary>Where the form stands; its rows are <see cref="StopAt"/>'s.</summary>
    public static Rect AreaOf(Model model, StartForm start)
    {
        var width = Math.Min(WidthMax, Math.Max(1, model.Size.Width - 2));
        var height = Math.Min(model.Size.Height, HeightOf(model, start));
        return new Rect((model.Size.Width - width) / 2, Math.Max(0, (model.Size.Height - height) / 3), width, height);
    }

    /// <summary>Which stop of the form is in a row of its area; null for none.</summary>
    public static int? StopAt(Model model, StartForm start, int row)
    {
        var rows = Rows(model, start);
        return row >= 0 && row < rows.Count ? rows[row] : null;
    }

    public static void Draw(Model model, StartForm start, Canvas screen)
    {
        var theme = model.Theme;
        var area = AreaOf(model, start);
        var canvas = screen.Clip(area);
        var rows = Rows(model, start);
        var shown = start.Shown;
        if (rows[0] is null)
        {
            canvas.Write(0, 0, "d-chat", theme.Strong);
            canvas.Write(8, 0, start.Register ? "make an account" : "sign in", theme.Dim);
        }

        for (var y = 0; y < rows.Count && y < area.Height; y++)
        {
            if (rows[y] is not { } stop)
            {
                continue;
            }

            var focused = stop == start.Focus && !start.Busy;
            if (stop < shown.Length)
            {
                DialogView.Field(theme, canvas, y, LabelWidth, shown[stop], focused);
            }
            else if (stop == start.SubmitAt)
            {
                Button(theme, canvas, y, LabelWidth, start.Busy ? "a moment …" : start.Register ? "Make the account" : "Sign in", focused, theme.Strong);
            }
            else if (stop == start.SwitchAt)
            {
                Button(theme, canvas, y, LabelWidth, start.Register ? "I have an account already" : "I am new here: make an account", focused, theme.Text);
            }
            else
            {
                var session = start.Sessions[stop - start.SessionsAt];
                Button(theme, canvas, y, 0, $"Go on as {SafeText.Clean(session.User)} at {Short(session.Server)}", focused, theme.Text);
            }
        }

        DrawWord(model, start, canvas, rows);
        if (model.Toast is { } toast)
        {
            screen.Write(1, model.Size.Height - 1, TextWidth.Truncate(toast.Text, model.Size.Width - 2), toast.IsBad ? theme.Bad : theme.Text);
        }
    }

    /// <summary>What went wrong, or what the server said, below everything.</summary>
    private static void DrawWord(Model model, StartForm start, Canvas canvas, List<int?> rows)
    {
        var (text, style) = start.Problem is { } problem ? (problem, model.Theme.Bad) : (start.Says ?? "", model.Theme.Dim);
        var y = rows.Count + (canvas.Size.Height > rows.Count + 1 ? 1 : 0);
        foreach (var line in TextLayout.Wrap([new Span(text, style)], canvas.Size.Width))
        {
            canvas.Write(0, y++, line);
        }
    }

    private static void Button(Theme theme, Canvas canvas, int y, int x, string text, bool focused, Style style)
    {
        var shown = TextWidth.Truncate(text, canvas.Size.Width - x - 2);
        if (focused)
        {
            canvas.Fill(new Rect(x, y, TextWidth.Of(shown) + 3, 1), theme.Over(theme.Text));
            canvas.Write(x, y, "▌", theme.Over(theme.Accent));
        }

        canvas.Write(x + 1, y, shown, focused ? theme.Over(style) : style);
    }

    private static string Short(string server) => server.Replace("http://", "", StringComparison.Ordinal).TrimEnd('/');

    private static int HeightOf(Model model, StartForm start) => Rows(model, start).Count + 5;

    /// <summary>The stops by row; null for a row without one.</summary>
    private static List<int?> Rows(Model model, StartForm start)
    {
        var tight = model.Size.Height < 16;
        List<int?> rows = tight ? [] : [null, null];
        rows.AddRange(Enumerable.Range(0, start.Shown.Length).Select(i => (int?)i));
        if (!tight)
        {
            rows.Add(null);
        }

        rows.Add(start.SubmitAt);
        rows.Add(start.SwitchAt);
        if (start.Sessions.Length > 0)
        {
            if (!tight)
            {
                rows.Add(null);
            }

            rows.AddRange(Enumerable.Range(start.SessionsAt, start.Sessions.Length).Select(i => (int?)i));
        }

        return rows;
    }
}
