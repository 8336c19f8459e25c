using System.Buffers;
using System.Text.Json;
using DChat.Protocol;
using DChat.Server.Worker.Transport;

namespace DChat.Server.Worker.Hub;

/// <summary>Writes records of the SignalR JSON hub protocol.</summary>
internal static class HubText
{
    private const byte Separator = 0x1E;

    /// <summary>Text goes out as it is, not escaped to ASCII: it is never put into a page.</summary>
    public static readonly JsonWriterOptions JsonOptions = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    public static readonly byte[] PingFrame = WebSocketFrame.Text([.. """{"type":6}"""u8, Separator]);
    public static readonly byte[] HandshakeAnswer = [.. "{}"u8, Separator];

    [ThreadStatic]
    private static Scratch? scratch;

    /// <summary>A buffer and a writer of this thread; ends with <see cref="Scratch.End"/>.</summary>
    public static Scratch Begin()
    {
        scratch ??= new Scratch();
        scratch.Reset();
        return scratch;
    }

    /// <summary>A frame that carries one event, the same for all its receivers.</summary>
    public static byte[] EventFrame<T>(string target, T argument, Action<Utf8JsonWriter, T> write)
    {
        var text = Begin();
        var json = text.Json;
        json.WriteStartObject();
        json.WriteNumber("type"u8, HubRecord.Invocation);
        json.WriteString("target"u8, target);
        json.WriteStartArray("arguments"u8);
        write(json, argument);
        json.WriteEndArray();
        json.WriteEndObject();
        return WebSocketFrame.Text(text.End());
    }

    /// <summary>The completion of a call, with its result.</summary>
    public static ReadOnlySpan<byte> Completion<T>(string invocationId, T result, Action<Utf8JsonWriter, T> write)
    {
        var text = Begin();
        var json = text.Json;
        json.WriteStartObject();
        json.WriteNumber("type"u8, HubRecord.Completion);
        json.WriteString("invocationId"u8, invocationId);
        json.WritePropertyName("result"u8);
        write(json, result);
        json.WriteEndObject();
        return text.End();
    }

    /// <summary>The completion of a call that answers nothing.</summary>
    public static ReadOnlySpan<byte> Completion(string invocationId)
    {
        var text = Begin();
        var json = text.Json;
        json.WriteStartObject();
        json.WriteNumber("type"u8, HubRecord.Completion);
        json.WriteString("invocationId"u8, invocationId);
        json.WriteNull("result"u8);
        json.WriteEndObject();
        return text.End();
    }

    /// <summary>The completion of a call that failed with a code; reads as ASP.NET Core words a <c>HubException</c>.</summary>
    public static ReadOnlySpan<byte> Failure(string invocationId, string method, HubError error) =>
        FailureText(invocationId, $"An unexpected error occurred invoking '{method}' on the server. HubException: {error.Format()}");

    /// <summary>The completion of a call that did not bind; carries no code.</summary>
    public static ReadOnlySpan<byte> NotBound(string invocationId, string method, string why) =>
        FailureText(invocationId, $"Failed to invoke '{method}' due to an error on the server. {why}");

    public static ReadOnlySpan<byte> HandshakeFailure(string why)
    {
        var text = Begin();
        text.Json.WriteStartObject();
        text.Json.WriteString("error"u8, why);
        text.Json.WriteEndObject();
        return text.End();
    }

    /// <summary>A close record: the client shows the error and, where it may, connects again.</summary>
    public static byte[] CloseFrame(string? error, bool allowReconnect)
    {
        var text = Begin();
        var json = text.Json;
        json.WriteStartObject();
        json.WriteNumber("type"u8, HubRecord.Close);
        if (error is not null)
        {
            json.WriteString("error"u8, error);
        }

        if (allowReconnect)
        {
            json.WriteBoolean("allowReconnect"u8, true);
        }

        json.WriteEndObject();
        return WebSocketFrame.Text(text.End());
    }

    private static ReadOnlySpan<byte> FailureText(string invocationId, string error)
    {
        var text = Begin();
        var json = text.Json;
        json.WriteStartObject();
        json.WriteNumber("type"u8, HubRecord.Completion);
        json.WriteString("invocationId"u8, invocationId);
        json.WriteString("error"u8, error);
        json.WriteEndObject();
        return text.End();
    }

    /// <summary>A reusable buffer with a JSON writer over it.</summary>
    public sealed class Scratch
    {
        /// <summary>A larger buffer is not kept, in bytes.</summary>
        private const int KeptBytesMax = 1024 * 1024;

        private ArrayBufferWriter<byte> buffer = new(4096);

        public Scratch() => Json = new Utf8JsonWriter(buffer, JsonOptions);

        public Utf8JsonWriter Json { get; private set; }

        /// <summary>Bytes written so far.</summary>
        public int Length => (int)Json.BytesCommitted + Json.BytesPending;

        /// <summary>Ends the record with its separator; the span is valid until the next <see cref="Begin"/> of this thread.</summary>
        public ReadOnlySpan<byte> End()
        {
            Json.Flush();
            buffer.GetSpan(1)[0] = Separator;
            buffer.Advance(1);
            return buffer.WrittenSpan;
        }

        public void Reset()
        {
            if (buffer.Capacity > KeptBytesMax)
            {
                buffer = new ArrayBufferWriter<byte>(4096);
            }

            buffer.ResetWrittenCount();
            Json.Reset(buffer);
        }
    }
}
