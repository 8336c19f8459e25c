using System.Buffers;
using System.Buffers.Text;
using System.Text;
using Microsoft.AspNetCore.WebUtilities;

namespace DChat.Server.Worker.Transport;

/// <summary>
/// The head of a plain WebSocket request for the hub (RFC 6455, 4.2.1), read off a fresh connection before the web server has
/// looked at it: a connection that is taken here never costs what the web server keeps for each.
/// </summary>
/// <remarks>It takes only what is beyond doubt. Whatever else comes is left, unread, to the web server.</remarks>
internal sealed record UpgradeRequest(string Key, string? Token, int HeadBytes)
{
    /// <summary>A longer head is left to the web server, in bytes.</summary>
    public const int HeadBytesMax = 16 * 1024;

    private static ReadOnlySpan<byte> EndOfHead => "\r\n\r\n"u8;

    /// <summary>Reads the head. Null with <paramref name="needsMore"/>: it is not whole yet; null without: it is none of ours.</summary>
    /// <param name="path">The hub's path, such as <c>/chat</c>.</param>
    public static UpgradeRequest? TryRead(in ReadOnlySequence<byte> buffer, ReadOnlySpan<byte> path, out bool needsMore)
    {
        needsMore = false;
        var length = (int)Math.Min(buffer.Length, HeadBytesMax);
        var rented = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            var head = rented.AsSpan(0, length);
            buffer.Slice(0, length).CopyTo(head);
            if (!MayBeOurs(head, path))
            {
                return null;
            }

            var end = head.IndexOf(EndOfHead);
            if (end < 0)
            {
                needsMore = length < HeadBytesMax;
                return null;
            }

            return Parse(head[..end], path, end + EndOfHead.Length);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private static bool MayBeOurs(ReadOnlySpan<byte> head, ReadOnlySpan<byte> path)
    {
        var start = "GET "u8;
        var common = Math.Min(head.Length, start.Length);
        if (!head[..common].SequenceEqual(start[..common]))
        {
            return false;
        }

        head = head[common..];
        common = Math.Min(head.Length, path.Length);
        return head[..common].SequenceEqual(path[..common]) && (head.Length <= path.Length || head[path.Length] is (byte)' ' or (byte)'?');
    }

    private static UpgradeRequest? Parse(ReadOnlySpan<byte> head, ReadOnlySpan<byte> path, int headBytes)
    {
        var endOfLine = head.IndexOf("\r\n"u8);
        if (endOfLine < 0)
        {
            return null;
        }

        var target = head[4..endOfLine];
        if (!target.EndsWith(" HTTP/1.1"u8) || head.ContainsAnyInRange((byte)0x80, (byte)0xFF) || head.Contains((byte)0))
        {
            return null;
        }

        target = target[..^" HTTP/1.1"u8.Length];
        var headers = new Headers();
        head = head[(endOfLine + 2)..];
        while (!head.IsEmpty)
        {
            endOfLine = head.IndexOf("\r\n"u8);
            var line = endOfLine < 0 ? head : head[..endOfLine];
            head = endOfLine < 0 ? [] : head[(endOfLine + 2)..];
            var colon = line.IndexOf((byte)':');
            if (colon <= 0 || line[..colon].ContainsAny((byte)' ', (byte)'\t') || !headers.Take(line[..colon], line[(colon + 1)..].Trim((byte)' ')))
            {
                return null;
            }
        }

        if (!headers.IsWebSocket)
        {
            return null;
        }

        return headers.Token is { } bearer
            ? new UpgradeRequest(headers.Key!, bearer, headBytes)
            : new UpgradeRequest(headers.Key!, TokenIn(target[path.Length..]), headBytes);
    }

    private static string? TokenIn(ReadOnlySpan<byte> query) =>
        query.IsEmpty ? null : QueryHelpers.ParseQuery(Encoding.ASCII.GetString(query)).GetValueOrDefault("access_token").ToString();

    private ref struct Headers
    {
        private const int KeyBytes = 16;
        private bool upgrade;
        private bool connection;
        private bool version;
        private bool host;

        public string? Key { get; private set; }

        public string? Token { get; private set; }

        public readonly bool IsWebSocket => upgrade && connection && version && host && Key is not null;

        /// <summary>False where the web server should decide.</summary>
        public bool Take(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
        {
            if (Is(name, "upgrade"u8))
            {
                return !upgrade && (upgrade = Is(value, "websocket"u8));
            }

            if (Is(name, "connection"u8))
            {
                return !connection && (connection = HasUpgrade(value));
            }

            if (Is(name, "sec-websocket-version"u8))
            {
                return !version && (version = value.SequenceEqual("13"u8));
            }

            if (Is(name, "host"u8))
            {
                return !host && (host = !value.IsEmpty);
            }

            if (Is(name, "sec-websocket-key"u8))
            {
                if (Key is not null || value.Length != 24 || !IsKey(value))
                {
                    return false;
                }

                Key = Encoding.ASCII.GetString(value);
                return true;
            }

            if (Is(name, "authorization"u8))
            {
                if (Token is not null || value.Length < 8 || !Is(value[..7], "bearer "u8))
                {
                    return false;
                }

                Token = Encoding.ASCII.GetString(value[7..].Trim((byte)' '));
                return true;
            }

            // A body, or a forwarded address, is the web server's to deal with.
            return !Is(name, "content-length"u8) && !Is(name, "transfer-encoding"u8) && !Is(name, "expect"u8)
                && !Is(name, "forwarded"u8) && !Is(name, "x-forwarded-for"u8);
        }

        private static bool Is(ReadOnlySpan<byte> text, ReadOnlySpan<byte> lowerCase) => Ascii.EqualsIgnoreCase(text, lowerCase);

        private static bool IsKey(ReadOnlySpan<byte> value)
        {
            Span<byte> bytes = stackalloc byte[KeyBytes + 2];
            return Base64.DecodeFromUtf8(value, bytes, out _, out var written) == OperationStatus.Done && written == KeyBytes;
        }

        private static bool HasUpgrade(ReadOnlySpan<byte> value)
        {
            foreach (var token in value.Split((byte)','))
            {
                if (Is(value[token].Trim((byte)' '), "upgrade"u8))
                {
                    return true;
                }
            }

            return false;
        }
    }
}
