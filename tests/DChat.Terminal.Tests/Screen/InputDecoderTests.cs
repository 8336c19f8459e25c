using System.Globalization;
using System.Text;
using DChat.Terminal.Screen;
using FsCheck;
using FsCheck.Fluent;

namespace DChat.Terminal.Tests.Screen;

public sealed class InputDecoderTests
{
    /// <summary>What terminals send, and the keys that are meant: modifiers C, A, S before the name.</summary>
    [Theory]
    [InlineData("a", "a")]
    [InlineData("A", "A")]
    [InlineData("é日👍", "é 日 👍")]
    [InlineData("👩‍👩‍👧x", "👩‍👩‍👧 x")]
    [InlineData(" ", "' '")]
    [InlineData("\r", "Enter")]
    [InlineData("\n", "C-j")]
    [InlineData("\t", "Tab")]
    [InlineData("\u007f", "Backspace")]
    [InlineData("\b", "Backspace")]
    [InlineData("\u0001\u001a", "C-a C-z")]
    [InlineData("\0", "C-' '")]
    [InlineData("\u001c\u001d\u001e\u001f", "C-\\ C-] C-^ C-_")]
    [InlineData("\ex", "A-x")]
    [InlineData("\eX", "AS-x")]
    [InlineData("\eä", "A-ä")]
    [InlineData("\e1", "A-1")]
    [InlineData("\e\r", "A-Enter")]
    [InlineData("\e\u007f", "A-Backspace")]
    [InlineData("\e\u0001", "CA-a")]
    [InlineData("\e[A\e[B\e[C\e[D", "Up Down Right Left")]
    [InlineData("\eOA\eOB\eOC\eOD", "Up Down Right Left")]
    [InlineData("\e[H\e[F\eOH\eOF", "Home End Home End")]
    [InlineData("\e[1~\e[4~\e[7~\e[8~", "Home End Home End")]
    [InlineData("\e[2~\e[3~\e[5~\e[6~", "Insert Delete PageUp PageDown")]
    [InlineData("\eOP\eOQ\eOR\eOS", "F1 F2 F3 F4")]
    [InlineData("\e[11~\e[15~\e[17~\e[21~\e[23~\e[24~", "F1 F5 F6 F10 F11 F12")]
    [InlineData("\e[[A\e[[E", "F1 F5")]
    [InlineData("\e[Z", "S-Tab")]
    [InlineData("\e[1;2A\e[1;3A\e[1;5A\e[1;6A\e[1;8A", "S-Up A-Up C-Up CS-Up CAS-Up")]
    [InlineData("\e[3;5~\e[5;3~\e[1;5P", "C-Delete A-PageUp C-F1")]
    [InlineData("\e\e[A", "A-Up")]
    [InlineData("\eOa\eOd", "C-Up C-Left")]
    [InlineData("\eOM\eOj\eOp\eOy", "Enter * 0 9")]
    [InlineData("\e[97;5u\e[97;3u\e[97;4u\e[97;6u", "C-a A-a AS-a CS-a")]
    [InlineData("\e[13;2u\e[27u\e[9;5u\e[127;3u\e[32;5u", "S-Enter Escape C-Tab A-Backspace C-' '")]
    [InlineData("\e[97:65;2u\e[228;2u\e[50:34;2u", "A Ä \"")]
    [InlineData("\e[97;5:1u\e[97;5:3u", "C-a")]
    [InlineData("\e[99;9u", "")]
    [InlineData("\e[57399u\e[57414u\e[57358u", "0 Enter")]
    [InlineData("\e[27;5;97~\e[27;2;13~\e[27;2;65~", "C-a S-Enter A")]
    [InlineData("\e[97;133u", "C-a")]
    [InlineData("\e[I\e[O", "focus nofocus")]
    [InlineData("\e[<0;1;1M\e[<0;10;20m\e[<32;3;4M\e[<2;1;1M", "Down0@0,0 Up0@9,19 Drag0@2,3 Down2@0,0")]
    [InlineData("\e[<64;5;6M\e[<65;5;6M\e[<66;5;6M\e[<35;1;1M\e[<80;1;1M", "WheelUp0@4,5 WheelDown0@4,5 C-WheelUp0@0,0")]
    [InlineData("\e[<0;300;400M\e[<0;0;0M\e[<;;M", "Down0@299,399")]
    [InlineData("\e[200~hello\r\nworld\e[201~x", "paste(hello|world) x")]
    [InlineData("\e[200~\e[A\e]0;x\a\u0001\tok\e[201~", "paste([A]0;x\tok)")]
    [InlineData("\e[200~\e[201~", "")]
    [InlineData("\e]11;rgb:0000/0000/0000\e\\\e]11;rgb:ffff/ff/f\aa", "Dark Light a")]
    [InlineData("\e]11;nonsense\aa\e]52;c;AAAA\ab", "a b")]
    [InlineData("\e[?62;4c\e[?1u\e[>0;276;0c\eP1$r0m\e\\\e_Gi=1;OK\e\\a", "a")]
    [InlineData("\e[9999~\e[5n\e[12345678901234567890;5A", "C-Up")]
    [InlineData("\e[1;\e[A", "Up")]
    [InlineData("\e[日a", "日 a")]
    [InlineData("\e\e", "Escape")]
    [InlineData("\e", "Escape")]
    [InlineData("\e[", "A-[")]
    [InlineData("\eO", "AS-o")]
    [InlineData("\u009b2J\u202ea\u200ba", "2 J a a")]
    public void Bytes_are_the_keys_that_were_meant(string sent, string keys)
    {
        Assert.Equal(keys, Describe(Decode(Encoding.UTF8.GetBytes(sent))));

        // Cut elsewhere, a grapheme may come in two parts.
        Assert.Equal(keys.Replace(" ", ""), Describe(Decode(Encoding.UTF8.GetBytes(sent), cut: 7)).Replace(" ", ""));
    }

    [Theory]
    [InlineData(new byte[] { 0xff, 0xfe, (byte)'a' }, "a")]
    [InlineData(new byte[] { 0xc3, (byte)'a' }, "a")]
    [InlineData(new byte[] { 0xe2, 0x82 }, "")]
    public void What_is_no_text_is_no_key(byte[] sent, string keys) => Assert.Equal(keys, Describe(Decode(sent)));

    [Fact]
    public void However_the_bytes_are_cut_the_keys_are_the_same() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll(Streams(), Gen.Choose(1, 9).ToArbitrary(), (sent, cut) =>
    {
        // Text that is cut may come as two graphemes where it was one: compare what was typed, not how often.
        Assert.Equal(Typed(Decode(Encoding.UTF8.GetBytes(sent))), Typed(Decode(Encoding.UTF8.GetBytes(sent), cut)));
    }));

    [Fact]
    public void Any_bytes_at_all_leave_it_working_and_bounded() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(2_000).WithEndSize(400), Prop.ForAll(Noise(), noise =>
    {
        var (decoder, events) = (new InputDecoder(), new List<InputEvent>());
        decoder.Feed(noise, events);
        decoder.Flush(events);
        Assert.All(events.OfType<KeyPressed>(), key => Assert.True(key.Text.EnumerateRunes().All(SafeText.IsSafe)));
        events.Clear();
        decoder.Feed(Encoding.UTF8.GetBytes("\e[201~\a\e\\\e\\xx"), events);
        decoder.Flush(events);
        Assert.Contains(new KeyPressed(Key.Character, KeyModifiers.None, "x"), events);
    }));

    [Fact]
    public void A_sequence_or_a_paste_without_an_end_is_bounded()
    {
        var (decoder, events) = (new InputDecoder(), new List<InputEvent>());
        decoder.Feed(Encoding.ASCII.GetBytes("\e]" + new string('x', 10_000)), events);
        decoder.Feed("y"u8, events);
        Assert.Equal("y", Describe(events));
        events.Clear();

        decoder.Feed(Encoding.ASCII.GetBytes("\e[200~" + new string('x', 3_000_000) + "\e[201~"), events);
        Assert.Equal(1024 * 1024, Assert.IsType<Pasted>(Assert.Single(events)).Text.Length);
    }

    internal static string Describe(IEnumerable<InputEvent> events) => string.Join(' ', events.Select(Describe));

    private static string Describe(InputEvent happened) => happened switch
    {
        KeyPressed { Key: Key.Character, Text: " " } key => Describe(key.Modifiers) + "' '",
        KeyPressed { Key: Key.Character } key => Describe(key.Modifiers) + key.Text,
        KeyPressed key => Describe(key.Modifiers) + key.Key,
        MouseInput mouse => string.Create(CultureInfo.InvariantCulture, $"{Describe(mouse.Modifiers)}{mouse.Kind}{mouse.Button}@{mouse.X},{mouse.Y}"),
        Pasted paste => $"paste({paste.Text.Replace('\n', '|')})",
        FocusChanged focus => focus.Focused ? "focus" : "nofocus",
        BackgroundReported background => background.Shade.ToString(),
        _ => happened.ToString(),
    };

    private static string Describe(KeyModifiers modifiers) =>
        modifiers == KeyModifiers.None
            ? ""
            : ((modifiers & KeyModifiers.Control) != 0 ? "C" : "") + ((modifiers & KeyModifiers.Alt) != 0 ? "A" : "") + ((modifiers & KeyModifiers.Shift) != 0 ? "S" : "") + "-";

    private static List<InputEvent> Decode(ReadOnlySpan<byte> sent, int cut = int.MaxValue)
    {
        var (decoder, events) = (new InputDecoder(), new List<InputEvent>());
        while (!sent.IsEmpty)
        {
            var length = Math.Min(cut, sent.Length);
            decoder.Feed(sent[..length], events);
            sent = sent[length..];
        }

        decoder.Flush(events);
        return events;
    }

    private static string Typed(IEnumerable<InputEvent> events) =>
        string.Concat(events.Select(happened => happened is KeyPressed { Key: Key.Character, Modifiers: KeyModifiers.None } key ? key.Text : $"<{Describe(happened)}>"));

    private static Arbitrary<string> Streams() =>
        Gen.Elements("a", "é", "日", "👩‍👩‍👧", "\r", "\u0001", "\e[A", "\e[1;5C", "\eOP", "\e[<0;3;4M", "\e[200~pa\e[Aste\r\n\e[201~", "\e]11;rgb:ff/ff/ff\e\\", "\e[97;5u", "\ex", "\e[I")
            .ArrayOf().Select(string.Concat).ToArbitrary();

    private static Arbitrary<byte[]> Noise() =>
        Gen.OneOf(Gen.Choose(0, 255).Select(b => (byte)b), Gen.Elements("\e[];<?0123~MmuOP\\\a"u8.ToArray())).ArrayOf().ToArbitrary();
}
