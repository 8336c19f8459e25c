using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using DChat.Client.Connections;
using DChat.Protocol;

namespace DChat.Client.Accounts;

/// <summary>HTTP calls of the contract: tried at every server address, errors as <see cref="ChatException"/>.</summary>
internal sealed class ChatHttp(HttpMessageInvoker invoker, ServerAddresses servers, TimeProvider time, TimeSpan timeout)
{
    /// <summary>The largest answer that is read into memory.</summary>
    private const int AnswerBytesMax = 16 * 1024 * 1024;

    private static readonly JsonTypeInfo<Nothing> Ignored = ProtocolJson.Wire.Nothing;

    public TimeProvider Time => time;

    /// <summary>Calls that answer something.</summary>
    public async Task<T> CallAsync<T>(HttpMethod method, string path, HttpContent? body, string? token, JsonTypeInfo<T> type, CancellationToken cancel)
    {
        using var limit = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancel);
        try
        {
            using var response = await SendAsync(method, path, body, token, either.Token).ConfigureAwait(false);
            return await ReadAsync(response, type, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!cancel.IsCancellationRequested)
        {
            throw new ChatException(ClientErrorCodes.Unreachable, $"The server did not answer within {timeout.TotalSeconds:0} s.", null, e);
        }
    }

    /// <summary>Calls that answer nothing.</summary>
    public async Task CallAsync(HttpMethod method, string path, HttpContent? body, string? token, CancellationToken cancel) =>
        await CallAsync(method, path, body, token, Ignored, cancel).ConfigureAwait(false);

    /// <summary>Sends to the first address that accepts a connection; the answer's headers are in. Without a time limit of its own.</summary>
    /// <exception cref="ChatException">No address answered, or the server refused.</exception>
    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? body, string? token, CancellationToken cancel)
    {
        List<string> failures = [];
        Exception? last = null;
        foreach (var address in servers.InOrder())
        {
            using var request = new HttpRequestMessage(method, new Uri(address, path.TrimStart('/')));
            request.Content = body;
            if (token is not null)
            {
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            }

            try
            {
                var response = await invoker.SendAsync(request, cancel).ConfigureAwait(false);
                if (response.IsSuccessStatusCode)
                {
                    servers.Prefer(address);
                    return response;
                }

                using (response)
                {
                    throw await RefusalAsync(response, cancel).ConfigureAwait(false);
                }
            }
            catch (Exception e) when (NotSent(e))
            {
                last = e;
                failures.Add($"{address}: {Reason(e)}");
                servers.Avoid(address);
            }
            catch (Exception e) when (e is HttpRequestException or IOException)
            {
                throw new ChatException(ClientErrorCodes.Uncertain, $"The connection to {address} was lost before the answer came: {e.Message}", null, e);
            }
            finally
            {
                // It belongs to the caller and is sent again, to the next address.
                request.Content = null;
            }
        }

        throw Unreachable(failures, last);
    }

    public static JsonContent<T> Json<T>(T value, JsonTypeInfo<T> type) => new(value, type);

    internal static ChatException Unreachable(IReadOnlyList<string> failures, Exception? last) =>
        new(ClientErrorCodes.Unreachable, $"No server can be reached. {string.Join("; ", failures)}. Is it running, and is the address right?", null, last);

    /// <summary>The plainest reason in a chain of exceptions.</summary>
    internal static string Reason(Exception e) => e.InnerException is { } inner ? Reason(inner) : e.Message;


    /// <summary>A socket that is reset while it connects comes out of the handler as it is.</summary>
    private static bool NotSent(Exception e) => e is SocketException
        or HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError };

    public static async Task<T> ReadAsync<T>(HttpResponseMessage response, JsonTypeInfo<T> type, CancellationToken cancel)
    {
        if (ReferenceEquals(type, Ignored))
        {
            return default!;
        }

        try
        {
            await response.Content.LoadIntoBufferAsync(AnswerBytesMax, cancel).ConfigureAwait(false);
            var stream = await response.Content.ReadAsStreamAsync(cancel).ConfigureAwait(false);
            return await JsonSerializer.DeserializeAsync(stream, type, cancel).ConfigureAwait(false)
                ?? throw new JsonException("The answer is empty.");
        }
        catch (JsonException e)
        {
            throw new ChatException(ClientErrorCodes.ProtocolError, $"{response.RequestMessage?.RequestUri} answered something that is not D-Chat. Is the address right?", null, e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new ChatException(ClientErrorCodes.Uncertain, $"The connection was lost while the answer came: {e.Message}", null, e);
        }
    }

    private static async Task<ChatException> RefusalAsync(HttpResponseMessage response, CancellationToken cancel)
    {
        Problem? problem = null;
        try
        {
            await response.Content.LoadIntoBufferAsync(AnswerBytesMax, cancel).ConfigureAwait(false);
            var stream = await response.Content.ReadAsStreamAsync(cancel).ConfigureAwait(false);
            problem = await JsonSerializer.DeserializeAsync(stream, ProtocolJson.Wire.Problem, cancel).ConfigureAwait(false);
        }
        catch (Exception e) when (e is JsonException or HttpRequestException or IOException)
        {
            // Not a problem document (a load balancer's page, say): the status has to do.
            problem = null;
        }

        var status = response.StatusCode;
        var code = problem?.Code ?? CodeOf(status);
        var retryAfter = problem?.RetryAfterMs is { } ms ? TimeSpan.FromMilliseconds(ms) : response.Headers.RetryAfter?.Delta;
        var text = problem?.Detail ?? problem?.Title ?? string.Create(CultureInfo.InvariantCulture, $"The server answered {(int)status} ({status}).");
        return new ChatException(code, text, retryAfter);
    }

    private static string CodeOf(HttpStatusCode status) => status switch
    {
        HttpStatusCode.Unauthorized => ErrorCodes.NotSignedIn,
        HttpStatusCode.Forbidden => ErrorCodes.Forbidden,
        HttpStatusCode.NotFound => ErrorCodes.NotFound,
        HttpStatusCode.RequestEntityTooLarge => ErrorCodes.TooLarge,
        HttpStatusCode.TooManyRequests => ErrorCodes.RateLimited,
        >= HttpStatusCode.InternalServerError => ErrorCodes.Unavailable,
        _ => ErrorCodes.InvalidArgument,
    };
}

/// <summary>A JSON body that may be sent several times.</summary>
internal sealed class JsonContent<T> : ByteArrayContent
{
    public JsonContent(T value, JsonTypeInfo<T> type)
        : base(JsonSerializer.SerializeToUtf8Bytes(value, type)) =>
        Headers.ContentType = new MediaTypeHeaderValue("application/json");
}
