using DChat.Core.Blobs;
using DChat.Core.ControlLog;
using DChat.Core.Messages;
using DChat.Protocol;
using DChat.Server.Nodes;
using Microsoft.Extensions.Logging;

namespace DChat.Server.Worker.Hub;

/// <summary>What a call is answered when something below it threw. What is expected is <c>unavailable</c>; the rest is a bug, and logged.</summary>
internal sealed partial class HubFaults(TimeProvider time, ILogger<HubFaults> log)
{
    private readonly Repeats repeats = new(time); // While an engine is away, every call would say so.

    public HubError ToError(string method, Exception exception)
    {
        switch (exception)
        {
            case MessageStoreUnavailableException or ControlLogUnavailableException or BlobStoreUnavailableException:
                if (repeats.Next(method) is > 0 and var times)
                {
                    Unavailable(log, method, times, exception.Message);
                }

                return new HubError(ErrorCodes.Unavailable, "the server cannot do that now; try again");
            case TimeoutException or OperationCanceledException:
                return new HubError(ErrorCodes.Unavailable, "it took too long; try again");
            default:
                Unexpected(log, method, exception);
                return new HubError(ErrorCodes.Unavailable, "something went wrong on the server");
        }
    }

    [LoggerMessage(2101, LogLevel.Warning, "{Method} is unavailable ({Times} times since this was said last): {Why}")]
    private static partial void Unavailable(ILogger log, string method, int times, string why);

    [LoggerMessage(2102, LogLevel.Error, "{Method} failed unexpectedly")]
    private static partial void Unexpected(ILogger log, string method, Exception exception);
}
