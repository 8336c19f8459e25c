using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>Which rows of a timeline are in view, and where scrolling leads.</summary>
internal static class Scrolling
{
    /// <param name="Entry">-1 for a row without a message.</param>
    internal readonly record struct Placed(int Y, int Entry, Row Row);

    /// <summary>The rows in view, from the bottom up; those of a short room stand at the bottom.</summary>
    public static IReadOnlyList<Placed> Visible(Timeline timeline, Scroll scroll)
    {
        List<Placed> placed = [];
        var (entry, skip) = Resolve(timeline, scroll);
        var y = timeline.Size.Height - 1;
        for (; entry >= 0 && y >= 0; entry--, skip = 0)
        {
            var rows = timeline.RowsOf(entry);
            for (var i = rows.Count - 1 - skip; i >= 0 && y >= 0; i--, y--)
            {
                placed.Add(new Placed(y, entry, rows[i]));
            }
        }

        placed.Reverse();
        return placed;
    }

    /// <summary>So many rows up, or down where negative; never beyond the ends.</summary>
    public static Scroll By(Timeline timeline, Scroll scroll, int rows)
    {
        if (timeline.Count == 0)
        {
            return Scroll.End;
        }

        var (entry, skip) = Resolve(timeline, scroll);
        skip += rows;
        while (skip < 0)
        {
            if (entry == timeline.Count - 1)
            {
                return Scroll.End;
            }

            entry++;
            skip += timeline.RowsOf(entry).Count;
        }

        while (skip > 0 && skip >= timeline.RowsOf(entry).Count)
        {
            if (entry == 0)
            {
                return Top(timeline);
            }

            skip -= timeline.RowsOf(entry).Count;
            entry--;
        }

        var moved = At(timeline, entry, skip);
        return rows > 0 && !Fills(timeline, entry, skip) ? Top(timeline) : moved;
    }

    /// <summary>The first row of the first message at the top of the pane.</summary>
    public static Scroll Top(Timeline timeline) => timeline.Count == 0 ? Scroll.End : Below(timeline, 0, timeline.Size.Height);

    /// <summary>A message with so many rows in view from its first one on.</summary>
    public static Scroll Below(Timeline timeline, int entry, int rows)
    {
        for (var at = entry; at < timeline.Count; at++)
        {
            var height = timeline.RowsOf(at).Count;
            if (rows <= height)
            {
                var found = At(timeline, at, height - rows);
                return found.IsEnd || Fills(timeline, at, height - rows) ? found : Top(timeline);
            }

            rows -= height;
        }

        return Scroll.End;
    }

    /// <summary>A scroll that shows this message, as near as can be to the one that is.</summary>
    public static Scroll Reveal(Timeline timeline, Scroll scroll, int entry)
    {
        var visible = Visible(timeline, scroll);
        var height = timeline.RowsOf(entry).Count;
        var shown = visible.Count(p => p.Entry == entry);
        if (shown == height || (shown > 0 && shown == timeline.Size.Height))
        {
            return scroll;
        }

        var above = visible.Count > 0 && (entry < visible[0].Entry || (entry == visible[0].Entry && visible[^1].Entry != entry));
        return above ? Below(timeline, entry, timeline.Size.Height) : At(timeline, entry, Math.Max(0, height - timeline.Size.Height));
    }

    /// <summary>The message in the middle of the pane.</summary>
    public static Scroll Center(Timeline timeline, int entry) =>
        Below(timeline, entry, Math.Max(1, (timeline.Size.Height + timeline.RowsOf(entry).Count + 1) / 2));

    private static Scroll At(Timeline timeline, int entry, int skip) =>
        entry == timeline.Count - 1 && skip == 0 ? Scroll.End : new Scroll(timeline.SeqAt(entry), skip);

    private static (int Entry, int Skip) Resolve(Timeline timeline, Scroll scroll)
    {
        var last = timeline.Count - 1;
        if (scroll.Seq is not { } seq || last < 0)
        {
            return (last, 0);
        }

        var entry = Math.Clamp(timeline.EntryOf(seq), 0, last);
        // In another width the message may have fewer rows.
        return (entry, Math.Clamp(scroll.Skip, 0, Math.Max(0, timeline.RowsOf(entry).Count - 1)));
    }

    private static bool Fills(Timeline timeline, int entry, int skip)
    {
        var rows = -skip;
        for (; entry >= 0 && rows < timeline.Size.Height; entry--)
        {
            rows += timeline.RowsOf(entry).Count;
        }

        return rows >= timeline.Size.Height;
    }
}
