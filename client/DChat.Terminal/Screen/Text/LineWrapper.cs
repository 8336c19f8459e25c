using System.Text;

namespace DChat.Terminal.Screen;

/// <summary>Fills lines with words; of use once.</summary>
internal sealed class LineWrapper(int width)
{
    private readonly List<StyledLine> _lines = [];
    private readonly List<Piece> _line = [];
    private readonly List<Piece> _word = [];
    private int _lineWidth;
    private int _wordWidth;

    /// <summary>A grapheme.</summary>
    private readonly record struct Piece(string Text, int Width, Style Style);

    public IReadOnlyList<StyledLine> Wrap(IReadOnlyList<Span> spans)
    {
        foreach (var span in spans)
        {
            foreach (var grapheme in TextWidth.Graphemes(span.Text))
            {
                Add(new Piece(grapheme, TextWidth.OfGrapheme(grapheme), span.Style));
            }
        }

        EndWord();
        EndLine();
        return _lines;
    }

    private void Add(Piece piece)
    {
        if (piece.Text is "\n" or "\r\n" or "\r")
        {
            EndWord();
            EndLine();
        }
        else if (piece.Text is " " or "\t")
        {
            EndWord();
            _line.Add(piece);
            _lineWidth += piece.Width;
        }
        else if (piece.Width <= width)
        {
            if (_wordWidth + piece.Width > width)
            {
                EndWord();
            }

            _word.Add(piece);
            _wordWidth += piece.Width;
            if (piece.Width == 2)
            {
                // Scripts of wide characters have no blanks: a line may end after any of them.
                EndWord();
            }
        }
    }

    private void EndWord()
    {
        if (_word.Count == 0)
        {
            return;
        }

        if (_lineWidth + _wordWidth > width && _line.Count > 0)
        {
            EndLine();
        }

        _line.AddRange(_word);
        _lineWidth += _wordWidth;
        _word.Clear();
        _wordWidth = 0;
    }

    private void EndLine()
    {
        // Blanks may hang over the edge: nobody sees them.
        while (_line.Count > 0 && _line[^1].Text is " " or "\t")
        {
            _line.RemoveAt(_line.Count - 1);
        }

        _lines.Add(Join(_line));
        _line.Clear();
        _lineWidth = 0;
    }

    private static StyledLine Join(List<Piece> pieces)
    {
        List<Span> spans = [];
        var text = new StringBuilder();
        for (var i = 0; i < pieces.Count; i++)
        {
            text.Append(pieces[i].Text);
            if (i == pieces.Count - 1 || pieces[i + 1].Style != pieces[i].Style)
            {
                spans.Add(new Span(text.ToString(), pieces[i].Style));
                text.Clear();
            }
        }

        return spans.Count == 0 ? StyledLine.Empty : new StyledLine(spans);
    }
}
