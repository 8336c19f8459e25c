using DChat.Core.Blobs;
using DChat.Core.ControlLog;
using DChat.Core.Messages;
using DChat.Protocol;
using Microsoft.Extensions.Logging;

namespace DChat.Server.Worker.Hub;

/// <summary>What a call is answered when something below it threw. What is expected is <c>unavailable</c>; the rest is a bug, and logged.</summary>
internal sealed partial class HubFaults(ILogger<HubFaults> log)
{
    public HubError ToError(string method, Exception exception)
    {
        switch (exception)
        {
            case MessageStoreUnavailableException or ControlLogUnavailableException or BlobStoreUnavailableException:
                Unavailable(log, method, exception.Message);
                return new HubError(ErrorCodes.Unavailable, "the server cannot do that now; try again");
            case TimeoutException or OperationCanceledException:
                return new HubError(ErrorCodes.Unavailable, "it took too long; try again");
            default:
                Unexpected(log, method, exception);
                return new HubError(ErrorCodes.Unavailable, "something went wrong on the server");
        }
    }

    [LoggerMessage(2101, LogLevel.Warning, "{Method} is unavailable: {Why}")]
    private static partial void Unavailable(ILogger log, string method, string why);

    [LoggerMessage(2102, LogLevel.Error, "{Method} failed unexpectedly")]
    private static partial void Unexpected(ILogger log, string method, Exception exception);
}
