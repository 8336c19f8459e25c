using System.Collections.Immutable;
using DChat.TestKit;
using DChat.Terminal.Screen;
using DChat.Terminal.Ui;

namespace DChat.Terminal.Tests.Ui;

public sealed class KeymapTests
{
    [Fact]
    public void No_key_does_two_things_and_every_act_is_in_the_help()
    {
        var helped = Acts.Help.SelectMany(section => section.Acts).Select(a => a.Act).ToList();
        Assert.Equal(Enum.GetValues<Act>().Order(), helped.Order());
        var keys = Enum.GetValues<Act>().SelectMany(act => Keymap.Default.KeysOf(act).Split("  ", StringSplitOptions.RemoveEmptyEntries)).ToList();
        Assert.Equal(keys.Count, keys.Distinct().Count());
    }

    [Fact]
    public void The_guide_names_every_act_and_every_command()
    {
        var guide = File.ReadAllText(Path.Combine(Guide(), "docs", "terminal.md"));
        Assert.All(Enum.GetValues<Act>(), act => Assert.Contains($"`{Acts.NameOf(act)}`", guide, StringComparison.Ordinal));
        Assert.All(SlashCommand.All, command => Assert.Contains($"`/{command.Name}`", guide, StringComparison.Ordinal));
    }

    [Fact]
    public void A_key_of_the_config_file_replaces_the_usual_one_and_is_taken_from_whoever_had_it()
    {
        var (keymap, problem) = Keymap.With(Keys(("find-room", ["f9"])));
        Assert.Null(problem);
        Assert.Equal(Act.FindRoom, keymap.Find(new KeyPressed(Key.F9, KeyModifiers.None, "")));
        Assert.Null(keymap.Find(new KeyPressed(Key.Character, KeyModifiers.Control, "k")));
        Assert.Equal("", keymap.KeysOf(Act.ToggleMembers));
    }

    [Theory]
    [InlineData("fly", "f9", "'fly'")]
    [InlineData("find-room", "hyper+q+q", "'hyper+q+q'")]
    public void What_is_wrong_in_the_config_file_is_named(string act, string key, string named)
    {
        var (keymap, problem) = Keymap.With(Keys((act, [key])));
        Assert.Contains(named, problem, StringComparison.Ordinal);
        Assert.Same(Keymap.Default, keymap);
    }

    [Fact]
    public void The_config_file_is_read_and_a_damaged_one_is_named()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal((new UiSettings(), null), UiSettings.Load(folder.Path));
        var path = Path.Combine(folder.Path, UiSettings.FileName);
        const string Mine = """
            { // mine
            "vi": true, "theme": "light", "notify": "desktop", "keys": { "quit": ["f10"] } }
            """;
        File.WriteAllText(path, Mine);
        var (settings, problem) = UiSettings.Load(folder.Path);
        Assert.Null(problem);
        Assert.True(settings is { Vi: true, Theme: ThemeChoice.Light, Notify: NoticeWay.Desktop });
        Assert.Equal("f10", Assert.Single(settings.Keys["quit"]));
        File.WriteAllText(path, """{ "colour": "red" }""");
        Assert.Contains("colour", UiSettings.Load(folder.Path).Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_remembered_is_there_the_next_time_and_readable_by_its_owner_only()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "sub", "screen.json");
        var memory = new Memory { LastRoom = "r", DoNotDisturb = true, Drafts = ImmutableDictionary<string, string>.Empty.Add("r", "half a\ntext"), Failed = [new("f", "r", "b", null, 3, "why", 7)] };
        memory.Save(path);
        var read = Memory.Load(path);
        Assert.Equal("half a\ntext", read.Drafts["r"]);
        Assert.Equal(memory.Failed[0], Assert.Single(read.Failed));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        }

        File.WriteAllText(path, "{ damaged");
        Assert.Equal("", Memory.Load(path).LastRoom ?? "");
    }

    private static string Guide([System.Runtime.CompilerServices.CallerFilePath] string source = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(source)!, "..", "..", ".."));

    private static ImmutableDictionary<string, ImmutableArray<string>> Keys(params (string Act, string[] Keys)[] keys) =>
        keys.ToImmutableDictionary(k => k.Act, k => k.Keys.ToImmutableArray());
}
