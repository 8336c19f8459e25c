using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace DChat.Terminal.Ui;

/// <summary>Which colours the screen is drawn with.</summary>
internal enum ThemeChoice
{
    /// <summary>As the terminal says (<c>COLORFGBG</c>), else dark.</summary>
    Auto,
    Dark,
    Light,
}

/// <summary>How a notice reaches somebody who looks elsewhere.</summary>
internal enum NoticeWay
{
    Bell,
    Desktop,
    Both,
    Off,
}

/// <summary>What a person set in <c>config.json</c>.</summary>
internal sealed record UiSettings
{
    public const string FileName = "config.json";

    /// <summary>Default: auto.</summary>
    public ThemeChoice Theme { get; init; }

    /// <summary>Edit the input as vi does. Default: as emacs does.</summary>
    public bool Vi { get; init; }

    /// <summary>Default: bell.</summary>
    public NoticeWay Notify { get; init; }

    /// <summary>A paste of more lines than this asks first. 0: always. Default 3.</summary>
    public int PasteLines { get; init; } = 3;

    /// <summary>Minutes without a key until others see the user as away. 0: never. Default 10.</summary>
    public int AwayMinutes { get; init; } = 10;

    /// <summary>Where files are saved. Default: the Downloads folder, else the home folder.</summary>
    public string? Downloads { get; init; }

    /// <summary>Keys by what they do: <c>"find-room": ["ctrl+k", "f4"]</c>. They replace the keys that it had.</summary>
    public ImmutableDictionary<string, ImmutableArray<string>> Keys { get; init; } = ImmutableDictionary<string, ImmutableArray<string>>.Empty;

    /// <summary>Reads the file; what is wrong in it is said, and the defaults stand in.</summary>
    public static (UiSettings Settings, string? Problem) Load(string folder)
    {
        var path = Path.Combine(folder, FileName);
        try
        {
            var read = JsonSerializer.Deserialize(File.ReadAllText(path), SettingsJson.Default.UiSettings) ?? new UiSettings();
            return read.PasteLines < 0 || read.AwayMinutes < 0
                ? (new UiSettings(), $"{path}: pasteLines and awayMinutes must not be below 0. Using the defaults.")
                : (read, null);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return (new UiSettings(), null);
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            return (new UiSettings(), $"{path}: {e.Message} Using the defaults.");
        }
    }

    /// <summary>Where downloads go.</summary>
    public string DownloadFolder()
    {
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        var usual = Path.Combine(home, "Downloads");
        return Downloads is { Length: > 0 } chosen ? chosen.StartsWith('~') ? home + chosen[1..] : chosen
            : Directory.Exists(usual) ? usual
            : home;
    }
}

/// <summary>What in a room is worth a notice.</summary>
internal enum NoticeLevel
{
    /// <summary>Mentions of the user, and everything in direct rooms.</summary>
    Mentions,
    All,
    None,
}

/// <summary>A message that the server refused, kept until somebody sends it again or throws it away.</summary>
internal sealed record FailedMessage(string Id, string Room, string Body, string? Kind, long? ReplyTo, string Problem, long At);

/// <summary>A room by its name only.</summary>
internal sealed record KnownRoom(string Id, string Title, bool IsDirect);

/// <summary>What the screen remembers of an account from one run to the next, a crash included.</summary>
internal sealed record Memory
{
    public string? LastRoom { get; init; }

    public bool DoNotDisturb { get; init; }

    public bool RelativeTimes { get; init; }

    /// <summary>Null: as the width allows.</summary>
    public bool? RoomsPane { get; init; }

    /// <summary>Null: as the width allows.</summary>
    public bool? MembersPane { get; init; }

    /// <summary>By room.</summary>
    public ImmutableDictionary<string, NoticeLevel> Notices { get; init; } = ImmutableDictionary<string, NoticeLevel>.Empty;

    /// <summary>By room, where it is another one than everywhere.</summary>
    public ImmutableDictionary<string, NoticeWay> Ways { get; init; } = ImmutableDictionary<string, NoticeWay>.Empty;

    /// <summary>Unfinished texts, by room.</summary>
    public ImmutableDictionary<string, string> Drafts { get; init; } = ImmutableDictionary<string, string>.Empty;

    public ImmutableArray<FailedMessage> Failed { get; init; } = [];

    /// <summary>The rooms as they were last, so that one can write before a server answers.</summary>
    public ImmutableArray<KnownRoom> Rooms { get; init; } = [];

    /// <summary>The same for the same account at the same server; a damaged file counts as none.</summary>
    public static Memory Load(string path)
    {
        try
        {
            var memory = JsonSerializer.Deserialize(File.ReadAllText(path), SettingsJson.Default.Memory) ?? new Memory();
            return memory with
            {
                Failed = memory.Failed.IsDefault ? [] : memory.Failed,
                Rooms = memory.Rooms.IsDefault ? [] : memory.Rooms,
                Ways = memory.Ways ?? ImmutableDictionary<string, NoticeWay>.Empty,
            };
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            return new Memory();
        }
    }

    /// <summary>Old or new, never half: written beside it and moved over it. Only its owner can read it.</summary>
    public void Save(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var temporary = $"{path}.{Environment.ProcessId}";
        using (var file = new FileStream(temporary, options))
        {
            JsonSerializer.Serialize(file, this, SettingsJson.Default.Memory);
        }

        File.Move(temporary, path, overwrite: true);
    }
}

[JsonSerializable(typeof(UiSettings))]
[JsonSerializable(typeof(Memory))]
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    ReadCommentHandling = JsonCommentHandling.Skip,
    AllowTrailingCommas = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    PropertyNameCaseInsensitive = true)]
internal sealed partial class SettingsJson : JsonSerializerContext;
