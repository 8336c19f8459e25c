using DChat.Terminal.Screen;
using DChat.Terminal.Ui;

namespace DChat.Terminal.Tests.Ui;

public sealed class EditorTests
{
    [Theory]
    [InlineData("one two|", "ctrl+w", "one |")]
    [InlineData("one| two", "alt+d", "one|")]
    [InlineData("one two|", "ctrl+u", "|")]
    [InlineData("on|e two", "alt+k", "on|")]
    [InlineData("one two|", "alt+b", "one |two")]
    [InlineData("|one two", "alt+f", "one| two")]
    [InlineData("one|", "ctrl+a", "|one")]
    [InlineData("|one", "ctrl+e", "one|")]
    [InlineData("ab|", "ctrl+t", "ba|")]
    [InlineData("a|b", "ctrl+t", "ba|")]
    [InlineData("a👍🏽|", "backspace", "a|")]
    [InlineData("|👩‍👩‍👧b", "right", "👩‍👩‍👧|b")]
    [InlineData("|👩‍👩‍👧b", "delete", "|b")]
    [InlineData("a|b", "alt+enter", "a\n|b")]
    [InlineData("first\nsec|ond", "up", "fir|st\nsecond")]
    [InlineData("fir|st\ns", "down", "first\ns|")]
    public void Keys_edit_as_in_emacs(string before, string key, string after) => Assert.Equal(after, Shown(Typed(before).Press(key)));

    [Fact]
    public void What_was_cut_can_be_put_back_and_undone()
    {
        var world = Typed("one two|").Press("ctrl+w", "home", "ctrl+y");
        Assert.Equal("two|one ", Shown(world));
        Assert.Equal("one |", Shown(world.Press("ctrl+_").Press("end")));
    }

    [Theory]
    [InlineData("one two three|", "0 d w", "|two three")]
    [InlineData("one two|", "0 w c w", "one |")]
    [InlineData("one two|", "d d", "|")]
    [InlineData("one two|", "b x", "one |wo")]
    [InlineData("one two|", "0 d $", "|")]
    [InlineData("one|", "0 r x", "|xne")]
    [InlineData("one|", "0 y w $ p", "oneone|")]
    [InlineData("one|", "x u", "one|")]
    [InlineData("one\ntwo|", "k d d", "|two")]
    public void Keys_edit_as_in_vi(string before, string keys, string after)
    {
        var world = World.Chat().Type("/vi").Press("enter").Type("x").Press("ctrl+u");
        world.Paste(before.Replace("|", "", StringComparison.Ordinal));
        world.Press("escape").Press(keys.Split(' '));
        Assert.Equal(after.Replace("|", "", StringComparison.Ordinal), world.Input);
    }

    [Fact]
    public void An_insert_mode_types_and_Esc_leaves_it()
    {
        var world = World.Chat().Type("/vi").Press("enter").Type("ab").Press("escape").Type("ix");
        Assert.Equal("axb", world.Input);
    }

    [Fact]
    public void Control_characters_that_are_pasted_are_left_out() =>
        Assert.Equal("a[31mb\nc", World.Chat().Paste("a\u001b[31mb\r\nc").Input);

    [Theory]
    [InlineData("hello world", 7, "hello |world", "hello ", "world")]
    [InlineData("日本語", 5, "日本語", "日本", "語")]
    public void Rows_are_filled_and_the_cursor_has_room(string text, int width, string unused, params string[] rows)
    {
        Assert.NotNull(unused);
        var layout = EditorLayout.Of(Editor.Of(text), width);
        Assert.Equal(rows, layout.Rows);
        Assert.Equal(TextWidth.Of(rows[^1]), layout.CursorColumn);
    }

    private static World Typed(string text)
    {
        var cursor = text.IndexOf('|', StringComparison.Ordinal);
        var world = World.Chat();
        var step = ChatKeys.Write(world.Model, Editor.Of(text.Remove(cursor, 1)).At(cursor));
        return new World(80, 20, step.Model);
    }

    private static string Shown(World world) => world.Input.Insert(world.Model.Chat.Pane.Input.Cursor, "|");
}
