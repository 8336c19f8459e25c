using System.Globalization;
using System.Text;

namespace DChat.Benchmarks.Bench;

/// <summary>The results as a Markdown table.</summary>
internal static class ResultTable
{
    public static string Write(string machine, IReadOnlyList<Row> rows)
    {
        var text = new StringBuilder();
        text.AppendLine(machine).AppendLine();
        List<string[]> cells =
        [
            ["scenario", "figure", "D-Chat", "yardstick", "ratio", "target", ""],
            .. rows.Select(row => new[]
            {
                row.Scenario,
                row.Measure,
                row.DChat.ToString(),
                row.Yardstick?.ToString() ?? "",
                row.Ratio is { } ratio ? ratio.ToString("0.00 ×", CultureInfo.InvariantCulture) : "",
                row.Target,
                row.Reached switch { true => "reached", false => "MISSED", null => "" },
            }),
        ];
        var widths = Enumerable.Range(0, cells[0].Length).Select(column => cells.Max(line => line[column].Length)).ToArray();
        for (var line = 0; line < cells.Count; line++)
        {
            text.Append("| ").AppendJoin(" | ", cells[line].Select((cell, column) => cell.PadRight(widths[column]))).AppendLine(" |");
            if (line == 0)
            {
                text.Append("|-").AppendJoin("-|-", widths.Select(width => new string('-', width))).AppendLine("-|");
            }
        }

        return text.ToString();
    }
}
