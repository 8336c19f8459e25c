using System.Text;
using DChat.Terminal.Screen;
using FsCheck;
using FsCheck.Fluent;

namespace DChat.Terminal.Tests.Screen;

public sealed class TextLayoutTests
{
    private static readonly Style Bold = Style.Default.With(TextAttributes.Bold);

    [Theory]
    [InlineData("", 10, "")]
    [InlineData("hello world", 11, "hello world")]
    [InlineData("hello world", 10, "hello|world")]
    [InlineData("hello world", 5, "hello|world")]
    [InlineData("hello   world", 6, "hello|world")]
    [InlineData("unbreakable", 4, "unbr|eaka|ble")]
    [InlineData("an unbreakable", 4, "an|unbr|eaka|ble")]
    [InlineData("one\ntwo\n\nthree", 10, "one|two||three")]
    [InlineData("one\r\ntwo", 10, "one|two")]
    [InlineData("日本語日本語", 5, "日本|語日|本語")]
    [InlineData("a日本", 2, "a|日|本")]
    [InlineData("日", 1, "")]
    [InlineData("👩‍👩‍👧 👩‍👩‍👧", 3, "👩‍👩‍👧|👩‍👩‍👧")]
    [InlineData("  indented", 20, "  indented")]
    [InlineData("שלום עולם", 5, "שלום|עולם")]
    public void Lines_break_between_words(string text, int width, string expected) =>
        Assert.Equal(expected, string.Join('|', TextLayout.Wrap([new Span(text, Style.Default)], width)));

    [Fact]
    public void Styles_stay_with_their_text()
    {
        var lines = TextLayout.Wrap([new Span("one tw", Style.Default), new Span("o thr", Bold), new Span("ee", Style.Default)], 7);

        Assert.Equal([new Span("one tw", Style.Default), new Span("o", Bold)], lines[0]);
        Assert.Equal([new Span("thr", Bold), new Span("ee", Style.Default)], lines[1]);
    }

    [Fact]
    public void No_line_is_too_wide_and_no_letter_is_lost() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(2_000),
        Prop.ForAll(FrameWriterTests.Hostile().ToArbitrary(), Gen.Choose(2, 20).ToArbitrary(), (text, width) =>
        {
            var clean = string.Join('\n', SafeText.Lines(text));
            var lines = TextLayout.Wrap([new Span(clean, Style.Default)], width);
            Assert.All(lines, line => Assert.InRange(line.Width, 0, width));
            Assert.Equal(Letters(clean), Letters(string.Concat(lines)));
        }));

    [Fact]
    public void A_line_of_100_kB_is_laid_out()
    {
        Assert.Equal(1_000, TextLayout.Wrap([new Span(new string('x', 100_000), Style.Default)], 100).Count);
        Assert.Single(TextLayout.Wrap([new Span("x" + new string('\u0301', 100_000), Style.Default)], 100));
        Assert.Single(TextLayout.Wrap([new Span(new string(' ', 100_000), Style.Default)], 100));
    }

    private static string Letters(string text) => new StringBuilder(text).Replace(" ", "").Replace("\n", "").ToString();
}
