using System.Text.Json;

namespace DChat.Terminal.Load.Wire;

/// <summary>A record of the SignalR JSON hub protocol, taken apart one level deep; the parts are raw JSON inside the record.</summary>
internal ref struct HubRecord
{
    public const int Invocation = 1;
    public const int Completion = 3;
    public const int Ping = 6;
    public const int Close = 7;

    public int Type;

    /// <summary>Unescaped; names of events hold nothing to escape.</summary>
    public ReadOnlySpan<byte> Target;
    public ReadOnlySpan<byte> InvocationId;

    /// <summary>Raw JSON of the first argument of an invocation; empty where there is none.</summary>
    public ReadOnlySpan<byte> Argument;

    /// <summary>Raw JSON; empty where there is none.</summary>
    public ReadOnlySpan<byte> Result;
    public string? Error;

    /// <exception cref="JsonException">It is not JSON, or not an object.</exception>
    public static HubRecord Parse(ReadOnlySpan<byte> record)
    {
        var parsed = default(HubRecord);
        var reader = new Utf8JsonReader(record);
        JsonWalk.Begin(ref reader);
        while (JsonWalk.NextProperty(ref reader))
        {
            if (reader.ValueTextEquals("type"u8))
            {
                reader.Read();
                parsed.Type = reader.GetInt32();
            }
            else if (reader.ValueTextEquals("target"u8))
            {
                reader.Read();
                parsed.Target = reader.ValueSpan;
            }
            else if (reader.ValueTextEquals("invocationId"u8))
            {
                reader.Read();
                parsed.InvocationId = reader.ValueSpan;
            }
            else if (reader.ValueTextEquals("error"u8))
            {
                reader.Read();
                parsed.Error = reader.GetString();
            }
            else if (reader.ValueTextEquals("result"u8))
            {
                parsed.Result = JsonWalk.TakeValue(ref reader, record);
            }
            else if (reader.ValueTextEquals("arguments"u8))
            {
                parsed.Argument = FirstElement(JsonWalk.TakeValue(ref reader, record));
            }
            else
            {
                JsonWalk.SkipValue(ref reader);
            }
        }

        return parsed;
    }

    private static ReadOnlySpan<byte> FirstElement(ReadOnlySpan<byte> array)
    {
        var reader = new Utf8JsonReader(array);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartArray || !reader.Read() || reader.TokenType == JsonTokenType.EndArray)
        {
            return [];
        }

        var start = (int)reader.TokenStartIndex;
        reader.Skip();
        return array[start..(int)reader.BytesConsumed];
    }
}
