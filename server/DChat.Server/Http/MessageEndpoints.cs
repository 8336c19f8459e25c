using System.Buffers;
using System.Globalization;
using System.Text.Json;
using DChat.Protocol;
using DChat.Server.Security;
using DChat.Server.Worker.Calls;
using DChat.Server.Worker.Gateway;
using DChat.Server.Worker.Hub;

namespace DChat.Server.Http;

/// <summary>Reading and sending messages without a connection, for bots and scripts.</summary>
internal sealed class MessageEndpoints(MessageCalls messages, ChatGateway gateway) : IApiEndpoints
{
    private const int ClientIdBytes = 16;

    public void Map(ApiRouter router)
    {
        router.Get("/api/rooms/{room}/messages", ApiAccess.SignedIn, HistoryAsync);
        router.Post("/api/rooms/{room}/messages", ApiAccess.SignedIn, SendAsync);
    }

    private async Task<IResult> HistoryAsync(ApiCall call)
    {
        var request = new HistoryRequest(call.Route("room"), Number(call, "beforeSeq"), (int?)Number(call, "limit"));
        var caller = CallerOf(call);
        if (!caller.User.Calls.TryTake(out var retryAfterMs))
        {
            throw new ApiException(ErrorCodes.RateLimited, "Too many calls at once.", TimeSpan.FromMilliseconds(retryAfterMs));
        }

        var page = await messages.HistoryAsync(caller, request);
        return page.Error is { } error ? throw Refused(error) : Json(page.Value!, HubTable.WriteHistory, StatusCodes.Status200OK);
    }

    private async Task<IResult> SendAsync(ApiCall call)
    {
        var post = await call.ReadAsync(ProtocolJson.Wire.PostMessageRequest);
        var request = new SendRequest(call.Route("room"), post.ClientId ?? RandomText.Hex(ClientIdBytes), post.Body, post.Kind, post.ReplyTo, post.Files);
        var caller = CallerOf(call);
        var outcome = await messages.SubmitAsync(messages.Send(caller, request)).WaitAsync(call.Aborted);
        return outcome.Error is { } error ? throw Refused(error) : Json(outcome.Answer, HubTable.WriteSent, StatusCodes.Status201Created);
    }

    private Caller CallerOf(ApiCall call) => new(call.Session, gateway.UserOf(call.User), Connection: null);

    private static long? Number(ApiCall call, string name)
    {
        var text = call.Context.Request.Query[name].ToString();
        return text.Length == 0 ? null
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var small) ? small
            : name == "beforeSeq" && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var large) ? large
            : throw new ApiException(ErrorCodes.InvalidArgument, $"{name} is a whole number.");
    }

    private static ApiException Refused(HubError error) => new(
        error.Code,
        char.ToUpperInvariant(error.Message[0]) + error.Message[1..] + ".",
        error.RetryAfterMs is { } wait ? TimeSpan.FromMilliseconds(wait) : null);

    private static JsonText Json<T>(T value, Action<Utf8JsonWriter, T> write, int status)
    {
        var json = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(json, HubText.JsonOptions))
        {
            write(writer, value);
        }

        return new JsonText(json.WrittenMemory, status);
    }

    private sealed class JsonText(ReadOnlyMemory<byte> json, int status) : IResult
    {
        public async Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.StatusCode = status;
            httpContext.Response.ContentType = "application/json; charset=utf-8";
            httpContext.Response.ContentLength = json.Length;
            await httpContext.Response.Body.WriteAsync(json, httpContext.RequestAborted);
        }
    }
}
