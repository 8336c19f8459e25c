using System.Text;
using System.Text.Json;

namespace DChat.Server.Worker.Hub;

/// <summary>
/// One record of the SignalR JSON hub protocol, as a client sent it
/// (dotnet/aspnetcore, src/SignalR/docs/specs/HubProtocol.md, "JSON Encoding").
/// </summary>
internal ref struct HubRecord
{
    public const int Invocation = 1;
    public const int StreamItem = 2;
    public const int Completion = 3;
    public const int StreamInvocation = 4;
    public const int CancelInvocation = 5;
    public const int Ping = 6;
    public const int Close = 7;

    /// <summary>Longer ids are refused; clients count.</summary>
    private const int InvocationIdCharsMax = 128;

    /// <summary>The longest method name is much shorter; a longer one is read as the empty name, which no method has.</summary>
    private const int TargetBytesMax = 64;

    public int Type;

    /// <summary>Null: the client wants no answer.</summary>
    public string? InvocationId;
    public string? Target;

    /// <summary>The arguments as JSON text, an array; empty where there are none.</summary>
    public ReadOnlySpan<byte> Arguments;

    /// <summary>Reads a record; a text that is no record throws <see cref="JsonException"/>.</summary>
    public static HubRecord Parse(ReadOnlySpan<byte> json)
    {
        try
        {
            return Read(json);
        }
        catch (Exception exception) when (exception is InvalidOperationException or DecoderFallbackException)
        {
            // Names and texts may escape half a character, or not be UTF-8.
            throw new JsonException("a hub record's names and texts must be valid text", exception);
        }
    }

    /// <summary>The only argument as JSON text; false where there are more or fewer, with their number.</summary>
    public readonly bool TryGetOnlyArgument(out ReadOnlySpan<byte> argument, out int count)
    {
        argument = default;
        count = 0;
        if (Arguments.IsEmpty)
        {
            return false;
        }

        var reader = new Utf8JsonReader(Arguments);
        reader.Read();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            argument = Arguments[start..(int)reader.BytesConsumed];
            count++;
        }

        return count == 1;
    }

    private static HubRecord Read(ReadOnlySpan<byte> json)
    {
        var record = new HubRecord();
        var reader = new Utf8JsonReader(json);
        Expect(ref reader, JsonTokenType.StartObject);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("type"u8))
            {
                Expect(ref reader, JsonTokenType.Number);
                record.Type = reader.TryGetInt32(out var type) ? type : throw new JsonException("a record's type is a small number");
            }
            else if (reader.ValueTextEquals("invocationId"u8))
            {
                reader.Read();
                record.InvocationId = reader.TokenType == JsonTokenType.Null ? null : ReadText(ref reader, InvocationIdCharsMax);
            }
            else if (reader.ValueTextEquals("target"u8))
            {
                reader.Read();
                record.Target = reader.TokenType == JsonTokenType.String && reader.ValueSpan.Length > TargetBytesMax ? "" : ReadText(ref reader, TargetBytesMax);
            }
            else if (reader.ValueTextEquals("arguments"u8))
            {
                Expect(ref reader, JsonTokenType.StartArray);
                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                record.Arguments = json[start..(int)reader.BytesConsumed];
            }
            else
            {
                reader.Read();
                reader.Skip();
            }
        }

        if (reader.TokenType != JsonTokenType.EndObject || reader.Read())
        {
            throw new JsonException("a record is one object");
        }

        return record;
    }

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType type)
    {
        if (!reader.Read() || reader.TokenType != type)
        {
            throw new JsonException($"expected {type} in a hub record");
        }
    }

    private static string ReadText(ref Utf8JsonReader reader, int bytesMax)
    {
        if (reader.TokenType != JsonTokenType.String || reader.ValueSpan.Length > bytesMax)
        {
            throw new JsonException("a hub record's name or id is a short string");
        }

        return reader.GetString()!;
    }
}
