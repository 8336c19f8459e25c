using System.Globalization;
using DChat.Protocol;

namespace DChat.Server.Http;

/// <summary>Errors as <c>application/problem+json</c> with a stable code.</summary>
internal static class ProblemResults
{
    public const string MediaType = "application/problem+json";

    public static IResult Problem(int status, string code, string detail, TimeSpan? retryAfter = null) =>
        new ProblemResult(status, code, detail, retryAfter);

    private sealed class ProblemResult(int status, string code, string detail, TimeSpan? retryAfter) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext) => WriteAsync(httpContext, status, code, detail, retryAfter);
    }

    public static async Task WriteAsync(HttpContext context, int status, string code, string detail, TimeSpan? retryAfter = null)
    {
        context.Response.StatusCode = status;
        if (retryAfter is { } wait)
        {
            context.Response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        }

        var problem = new Problem(null, code.Replace('_', ' '), status, code, detail, retryAfter is { } ms ? (long)Math.Ceiling(ms.TotalMilliseconds) : null);
        await context.Response.WriteAsJsonAsync(problem, ProtocolJson.Wire.Problem, MediaType, context.RequestAborted);
    }
}
