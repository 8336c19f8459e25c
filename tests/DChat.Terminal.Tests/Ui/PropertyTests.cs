using System.Collections.Immutable;
using DChat.Protocol;
using DChat.Terminal.Screen;
using DChat.Terminal.Ui;
using FsCheck;
using FsCheck.Fluent;

namespace DChat.Terminal.Tests.Ui;

/// <summary>Whatever is pressed and whatever happens, in whatever order: the screen stays whole.</summary>
public sealed class PropertyTests
{
    private static readonly Config Runs = Config.QuickThrowOnFailure.WithMaxTest(150).WithEndSize(120);

    [Fact]
    public void Any_keys_and_events_keep_the_cursor_inside_and_the_layout_whole() => Holds(() => World.Chat(72, 20));

    [Fact]
    public void Any_keys_and_events_keep_the_start_screen_whole() => Holds(() => World.Start(72, 20, new KnownSession("http://localhost:8080/", "ann")));

    [Fact]
    public void Any_keys_in_vi_mode_keep_it_whole() => Holds(() => World.Chat(72, 20).Type("/vi").Press("enter"));

    private static void Holds(Func<World> start)
    {
        var choices = Arb.From(Gen.Choose(0, int.MaxValue - 1).ArrayOf(), Shorter);
        Check.One(Runs, Prop.ForAll(choices, steps =>
        {
            var world = start();
            foreach (var choice in steps)
            {
                RandomSteps.Take(world, choice);
                IsWhole(world);
            }
        }));
    }

    /// <summary>What must hold of every screen.</summary>
    private static void IsWhole(World world)
    {
        var model = world.Model;
        var frame = world.Draw();
        Assert.Equal(model.Size, frame.Size);
        if (frame.Cursor is { } cursor)
        {
            Assert.InRange(cursor.X, 0, frame.Size.Width - 1);
            Assert.InRange(cursor.Y, 0, frame.Size.Height - 1);
        }

        for (var y = 0; y < frame.Size.Height; y++)
        {
            Assert.Equal(frame.Size.Width, Width(frame, y));
        }

        var layout = Layout.Of(model);
        Rect[] areas = [layout.Rooms, layout.Members, layout.Header, layout.Timeline, layout.Between, layout.Context, layout.Input, layout.Status];
        var screen = new Rect(0, 0, model.Size.Width, model.Size.Height);
        for (var i = 0; i < areas.Length; i++)
        {
            Assert.True(areas[i].Width == 0 || areas[i].Height == 0 || areas[i].Intersect(screen) == areas[i], $"area {i} leaves the screen: {areas[i]} of {screen}");
            for (var j = i + 1; j < areas.Length; j++)
            {
                var common = areas[i].Intersect(areas[j]);
                Assert.True(common.Width == 0 || common.Height == 0, $"areas {i} and {j} overlap: {areas[i]}, {areas[j]}");
            }
        }

        var input = model.Chat.Pane.Input;
        Assert.InRange(input.Cursor, 0, input.Text.Length);
        Assert.Equal(input.Cursor, input.At(input.Cursor).Cursor);
    }

    private static int Width(CellBuffer frame, int y)
    {
        var width = 0;
        foreach (var cell in frame.Row(y))
        {
            width += cell.IsRightHalf ? 0 : TextWidth.Of(cell.Text);
        }

        return width;
    }

    private static IEnumerable<int[]> Shorter(int[] choices)
    {
        for (var length = choices.Length / 2; length > 0; length /= 2)
        {
            for (var start = 0; start + length <= choices.Length; start += length)
            {
                yield return [.. choices[..start], .. choices[(start + length)..]];
            }
        }
    }
}
