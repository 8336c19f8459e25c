using System.Text.Json.Serialization;

namespace DChat.Server.Http.Files;

/// <summary>What is known of an uploaded file; it stands beside the content in the blob store.</summary>
/// <param name="User">Who uploaded it.</param>
/// <param name="At">Unix milliseconds UTC.</param>
internal sealed record StoredFile(string Id, string Room, string User, string Name, long Size, string Type, long At);

[JsonSerializable(typeof(StoredFile))]
internal sealed partial class StoredFileJson : JsonSerializerContext;

/// <summary>
/// A file's id, <c>room.random</c>: it leads to the room, whose members alone may have it, and to the blobs, so that all files of a
/// room are found by their names' beginning.
/// </summary>
internal readonly record struct FileId(string Room, string Random)
{
    private const int RandomLength = 32;
    private const int RoomLengthMax = 64;

    /// <summary>How the names of all files' blobs begin.</summary>
    public const string Folder = "files/";

    public string ContentBlob => $"{FolderOf(Room)}{Random}/content";

    public string DescriptionBlob => $"{FolderOf(Room)}{Random}/description.json";

    public override string ToString() => $"{Room}.{Random}";

    /// <summary>How the names of the blobs of a room's files begin.</summary>
    public static string FolderOf(string room) => $"{Folder}{room}/";

    /// <summary>The room to whose files a blob belongs; null where it is none of a file.</summary>
    public static string? RoomOf(string blob) =>
        blob.StartsWith(Folder, StringComparison.Ordinal) && blob[Folder.Length..].Split('/') is [var room, _, _] ? room : null;

    public static FileId New(string room) => new(room, Security.RandomText.Hex(RandomLength / 2));

    public static FileId? Parse(string text)
    {
        var parts = text.Split('.');
        return parts is [{ Length: > 0 and <= RoomLengthMax } room, { Length: RandomLength } random]
            && room.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_')
            && random.All(char.IsAsciiHexDigitLower)
                ? new FileId(room, random)
                : null;
    }
}
