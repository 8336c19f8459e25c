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

    public string ContentBlob => $"files/{Room}/{Random}/content";

    public string DescriptionBlob => $"files/{Room}/{Random}/description.json";

    public override string ToString() => $"{Room}.{Random}";

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
