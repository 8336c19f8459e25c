using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace DChat.Core.Registry;

/// <summary>
/// Entries as bytes: JSON, so that a log can be read by eye. Strict: what this program does not know, it does not skip,
/// as a replica that skips an event is silently another registry.
/// </summary>
public static class RegistryEntryCodec
{
    /// <summary>Raised when an old program could misread what a new one writes.</summary>
    public const int Version = 1;

    /// <summary>Bytes of an entry beside its records, at most.</summary>
    public const int EntryOverhead = 80;

    private static readonly HashSet<string> KnownEvents =
        [.. typeof(RegistryEvent).GetCustomAttributes<JsonDerivedTypeAttribute>().Select(known => (string)known.TypeDiscriminator!)];

    public static byte[] Encode(RegistryEntry entry) => JsonSerializer.SerializeToUtf8Bytes(entry, RegistryJson.Strict.RegistryEntry);

    /// <summary>Bytes that a record takes in an entry, the comma included.</summary>
    public static int Measure(RegistryRecord record) => JsonSerializer.SerializeToUtf8Bytes(record, RegistryJson.Strict.RegistryRecord).Length + 1;

    /// <summary>The entry, or <see cref="UnknownRegistryEventException"/>, or <see cref="InvalidDataException"/> for what is no entry at all.</summary>
    public static RegistryEntry Decode(ReadOnlySpan<byte> bytes)
    {
        RegistryEntry? entry;
        try
        {
            ThrowIfNewer(bytes);
            entry = JsonSerializer.Deserialize(bytes, RegistryJson.Strict.RegistryEntry);
        }
        catch (Exception failure) when (failure is JsonException or NotSupportedException)
        {
            ThrowIfUnknown(bytes);
            throw new InvalidDataException($"a registry entry is damaged: {failure.Message}", failure);
        }

        return entry ?? throw new InvalidDataException("a registry entry is damaged: it is null");
    }

    private static void ThrowIfNewer(ReadOnlySpan<byte> bytes)
    {
        var reader = new Utf8JsonReader(bytes);
        if (reader.Read() && reader.Read() && reader.TokenType == JsonTokenType.PropertyName && reader.ValueTextEquals("version"u8)
            && reader.Read() && reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var version) && version > Version)
        {
            throw new UnknownRegistryEventException($"a log entry has format {version}, and this program knows formats up to {Version}");
        }
    }

    /// <summary>Tells an event of a newer program from damage.</summary>
    private static void ThrowIfUnknown(ReadOnlySpan<byte> bytes)
    {
        var reader = new Utf8JsonReader(bytes);
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.PropertyName && reader.ValueTextEquals("$e"u8) && reader.Read()
                    && reader.TokenType == JsonTokenType.String && reader.GetString() is { } kind && !KnownEvents.Contains(kind))
                {
                    throw new UnknownRegistryEventException($"a log entry holds an event '{kind}', which this program does not know");
                }
            }
        }
        catch (JsonException)
        {
            // Not JSON: the caller names the damage.
            return;
        }
    }
}

/// <summary>Commands as bytes, for sending them on to the leader.</summary>
public static class CommandCodec
{
    public static byte[] Encode(Command command) => JsonSerializer.SerializeToUtf8Bytes(command, RegistryJson.Strict.Command);

    /// <summary>The command, or <see cref="InvalidDataException"/>.</summary>
    public static Command Decode(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return JsonSerializer.Deserialize(bytes, RegistryJson.Strict.Command) ?? throw new InvalidDataException("the command is null");
        }
        catch (Exception failure) when (failure is JsonException or NotSupportedException)
        {
            throw new InvalidDataException($"not a command that this program knows: {failure.Message}", failure);
        }
    }
}

/// <summary>The log was written by a newer program; this one must not go on, or it would hold another registry than the others.</summary>
public sealed class UnknownRegistryEventException(string what)
    : Exception($"{what}. Start a version of dchat-server that is at least as new as the one that wrote it.");

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(RegistryEntry))]
[JsonSerializable(typeof(RegistryRecord))]
[JsonSerializable(typeof(Command))]
internal sealed partial class RegistryJson : JsonSerializerContext
{
    public static RegistryJson Strict => Default;
}
