using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using DChat.Core.Messages;

namespace DChat.Storage;

/// <summary>The lists inside a message row. An empty list is NULL, so the common message pays nothing.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(IReadOnlyList<AttachedFile>))]
[JsonSerializable(typeof(IReadOnlyList<Reaction>))]
[JsonSerializable(typeof(IReadOnlyList<string>))]
internal sealed partial class MessageJson : JsonSerializerContext
{
    public static string? Write(IReadOnlyList<AttachedFile> files) => Write(files, Default.IReadOnlyListAttachedFile);

    public static string? Write(IReadOnlyList<Reaction> reactions) => Write(reactions, Default.IReadOnlyListReaction);

    public static string? Write(IReadOnlyList<string> names) => Write(names, Default.IReadOnlyListString);

    public static IReadOnlyList<AttachedFile> ReadFiles(ReadOnlySpan<byte> json) => Read(json, Default.IReadOnlyListAttachedFile);

    public static IReadOnlyList<Reaction> ReadReactions(ReadOnlySpan<byte> json) => Read(json, Default.IReadOnlyListReaction);

    public static IReadOnlyList<string> ReadNames(ReadOnlySpan<byte> json) => Read(json, Default.IReadOnlyListString);

    private static string? Write<T>(IReadOnlyList<T> list, JsonTypeInfo<IReadOnlyList<T>> type) =>
        list.Count == 0 ? null : JsonSerializer.Serialize(list, type);

    private static IReadOnlyList<T> Read<T>(ReadOnlySpan<byte> json, JsonTypeInfo<IReadOnlyList<T>> type) =>
        json.IsEmpty ? [] : JsonSerializer.Deserialize(json, type) ?? [];
}
