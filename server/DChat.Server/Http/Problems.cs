using DChat.Core.Blobs;
using DChat.Protocol;

namespace DChat.Server.Http;

/// <summary>Outermost: turns what no endpoint answered, and every exception, into a problem document; nothing of the request is logged.</summary>
internal static partial class Problems
{
    public static void UseProblems(this WebApplication app)
    {
        var log = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(Problems));
        app.Use(async (context, next) =>
        {
            try
            {
                await next(context);
            }
            catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
            {
                return;
            }
            catch (BadHttpRequestException e) when (!context.Response.HasStarted)
            {
                var tooLarge = e.StatusCode == StatusCodes.Status413PayloadTooLarge;
                await ProblemResults.WriteAsync(context, e.StatusCode, tooLarge ? ErrorCodes.TooLarge : ErrorCodes.InvalidArgument, tooLarge ? "The request is too large." : "The request is malformed.");
                return;
            }
            catch (Exception e) when (!context.Response.HasStarted)
            {
                Log.Unhandled(log, context.GetEndpoint()?.DisplayName, e);
                await ProblemResults.WriteAsync(context, StatusCodes.Status500InternalServerError, ErrorCodes.Unavailable, "The server failed; its log says why.");
                return;
            }

            catch (Exception e) when (e is BlobStoreUnavailableException or IOException)
            {
                // What has begun can only be broken off; whoever reads it sees that it is not whole.
                Log.BrokenOff(log, context.GetEndpoint()?.DisplayName, e.Message);
                context.Abort();
                return;
            }

            if (context.Response is { HasStarted: false, ContentLength: null, ContentType: null } response)
            {
                await DescribeAsync(context, response.StatusCode);
            }
        });
    }

    private static Task DescribeAsync(HttpContext context, int status) => status switch
    {
        StatusCodes.Status404NotFound => ProblemResults.WriteAsync(context, status, ErrorCodes.NotFound, "There is no such thing."),
        StatusCodes.Status405MethodNotAllowed => ProblemResults.WriteAsync(context, status, ErrorCodes.InvalidArgument, "The address does not take this method."),
        StatusCodes.Status413PayloadTooLarge => ProblemResults.WriteAsync(context, status, ErrorCodes.TooLarge, "The request is too large."),
        StatusCodes.Status415UnsupportedMediaType => ProblemResults.WriteAsync(context, status, ErrorCodes.InvalidArgument, "The content type is not one that this address takes."),
        >= 400 and < 500 => ProblemResults.WriteAsync(context, status, ErrorCodes.InvalidArgument, "The request is malformed."),
        _ => Task.CompletedTask,
    };

    private static partial class Log
    {
        [LoggerMessage(EventId = 4000, Level = LogLevel.Error, Message = "Unhandled exception in {Endpoint}")]
        public static partial void Unhandled(ILogger logger, string? endpoint, Exception exception);

        [LoggerMessage(EventId = 4001, Level = LogLevel.Warning, Message = "An answer of {Endpoint} was broken off: {Reason}")]
        public static partial void BrokenOff(ILogger logger, string? endpoint, string reason);
    }
}
