using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using DChat.Protocol;
using DChat.Server.Security;

namespace DChat.Server.Http;

/// <summary>One HTTP call of the API: who calls, and what it says.</summary>
/// <param name="Signed">Who calls; null where the endpoint asks nobody to sign in.</param>
internal sealed record ApiCall(HttpContext Context, Session? Signed)
{
    public Session Session => Signed ?? throw new InvalidOperationException("the endpoint does not ask for a session");

    public string User => Session.User;

    public CancellationToken Aborted => Context.RequestAborted;

    public string Route(string name) => (string)Context.Request.RouteValues[name]!;

    /// <summary>The request's body.</summary>
    /// <exception cref="ApiException"><c>invalid_argument</c> where it is no such JSON.</exception>
    public async ValueTask<T> ReadAsync<T>(JsonTypeInfo<T> type)
        where T : class
    {
        if (!Context.Request.HasJsonContentType())
        {
            throw new ApiException(StatusCodes.Status415UnsupportedMediaType, ErrorCodes.InvalidArgument, "Send JSON, with Content-Type: application/json.");
        }

        try
        {
            return await JsonSerializer.DeserializeAsync(Context.Request.Body, type, Aborted) ?? throw new JsonException("null");
        }
        catch (JsonException)
        {
            throw new ApiException(ErrorCodes.InvalidArgument, "The body is not the JSON object that is expected here.");
        }
    }

    public static IResult Json<T>(T value, JsonTypeInfo<T> type, int status = StatusCodes.Status200OK) => Results.Json(value, type, statusCode: status);
}

/// <summary>Who may call an endpoint.</summary>
internal enum ApiAccess
{
    Anyone,

    /// <summary>Whoever is signed in, bots included.</summary>
    SignedIn,

    /// <summary>Whoever signed in with a password: no bot.</summary>
    Person,

    /// <summary>An administrator; a bot of one too.</summary>
    Administrator,
}

/// <summary>An expected failure of an API call.</summary>
internal sealed class ApiException(int status, string code, string detail, TimeSpan? retryAfter = null) : Exception(detail)
{
    public ApiException(string code, string detail, TimeSpan? retryAfter = null)
        : this(StatusOf(code), code, detail, retryAfter)
    {
    }

    public int Status { get; } = status;

    public string Code { get; } = code;

    public TimeSpan? RetryAfter { get; } = retryAfter;

    /// <summary>The HTTP status of a code of the contract.</summary>
    public static int StatusOf(string code) => code switch
    {
        ErrorCodes.NotSignedIn or ErrorCodes.BadCredentials or ErrorCodes.BadToken => StatusCodes.Status401Unauthorized,
        ErrorCodes.Forbidden or ErrorCodes.NotMember or ErrorCodes.Banned or ErrorCodes.Muted or ErrorCodes.WrongPassword or ErrorCodes.RegistrationClosed => StatusCodes.Status403Forbidden,
        ErrorCodes.NotFound => StatusCodes.Status404NotFound,
        ErrorCodes.RoomTaken or ErrorCodes.UserTaken => StatusCodes.Status409Conflict,
        ErrorCodes.TooLarge => StatusCodes.Status413PayloadTooLarge,
        ErrorCodes.RateLimited or ErrorCodes.SlowMode => StatusCodes.Status429TooManyRequests,
        ErrorCodes.Unavailable => StatusCodes.Status503ServiceUnavailable,
        _ => StatusCodes.Status400BadRequest,
    };
}
