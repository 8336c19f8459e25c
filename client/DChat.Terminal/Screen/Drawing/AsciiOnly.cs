namespace DChat.Terminal.Screen;

/// <summary>What stands in for a grapheme on a terminal that knows ASCII alone.</summary>
internal static class AsciiOnly
{
    public static string Replace(Cell cell) => cell.Text switch
    {
        [>= ' ' and <= '~'] => cell.Text,
        "│" or "┃" or "║" or "▏" or "▎" or "▌" or "▐" => "|",
        "─" or "━" or "═" or "–" or "—" => "-",
        [>= '─' and <= '╿'] => "+",
        "█" or "▓" or "▒" or "░" => "#",
        "•" or "·" or "●" or "○" => "*",
        "…" => "~",
        "‘" or "’" => "'",
        "“" or "”" => "\"",
        _ => cell.Width == 2 ? "??" : "?",
    };
}
