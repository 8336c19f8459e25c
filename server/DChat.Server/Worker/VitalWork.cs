using Microsoft.Extensions.Logging;

namespace DChat.Server.Worker;

/// <summary>
/// Work without which a worker would seem to serve and not do so: it ends when the worker stops, or takes the process with it. An invariant
/// is broken then, or the store is damaged, and going on could lose what was acknowledged; the exception's message names damage and remedy.
/// </summary>
internal static partial class VitalWork
{
    /// <param name="what">Stands in the log and in what the process prints when it ends.</param>
    public static async Task RunAsync(string what, Func<Task> work, ILogger log)
    {
        try
        {
            await work().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            Broke(log, what, exception.Message, exception);
            Environment.FailFast($"{what} broke, the process stops: {exception.Message}", exception);
        }
    }

    [LoggerMessage(2410, LogLevel.Critical, "{What} broke, the process stops: {Why}")]
    private static partial void Broke(ILogger log, string what, string why, Exception exception);
}
