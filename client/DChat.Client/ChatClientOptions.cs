using DChat.Client.Outbox;
using DChat.Client.Sessions;
using DChat.Client.Timelines;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Client;

/// <summary>How a <see cref="ChatClient"/> behaves. Only <see cref="Servers"/> must be given.</summary>
public sealed record ChatClientOptions
{
    /// <summary>The addresses of the cluster, such as <c>http://localhost:8080</c>: one load balancer, or several workers. All are tried; names are resolved at every attempt.</summary>
    public required IReadOnlyList<Uri> Servers { get; init; }

    /// <summary>Where the signed-in session is kept. Default: in memory; <see cref="FileSessionStore"/> outlives the process.</summary>
    public ISessionStore? SessionStore { get; init; }

    /// <summary>Where messages wait that were not sent yet. Default: in memory; a store of your own lets them outlive the process.</summary>
    public IOutboxStore? OutboxStore { get; init; }

    /// <summary>
    /// True (the default): every room of the user is followed, by one <c>sync</c> at each connect. False: none is, until
    /// <see cref="ChatClient.FollowAsync"/> asks for it; for programs that only call, or that watch one room.
    /// </summary>
    public bool FollowAllRooms { get; init; } = true;

    /// <summary>
    /// How long <see cref="ChatClient.ConnectAsync"/> goes on when no server answers. Zero: each address is tried once.
    /// <see cref="Timeout.InfiniteTimeSpan"/>: until it is cancelled. Default 10 s. Once connected, reconnecting never ends.
    /// </summary>
    public TimeSpan ConnectPatience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long one address may take from the first packet until the hub answers. More than zero. Default 10 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a call may take in all, repeats and waiting for a connection included (messages in the outbox wait without end). More than zero. Default 30 s.</summary>
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A connection on which nothing was heard for so long is given up. At least twice the server's ping interval of 15 s. Default 30 s.</summary>
    public TimeSpan SilenceTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The bound of the wait after the first failure; doubled with each further one, and randomly shortened by up to half. More than zero. Default 0.5 s.
    /// </summary>
    public TimeSpan ReconnectFirst { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <summary>
    /// A connection that is lost is opened again after a random time of up to this much, or more where the server asked for that, as one with thousands of
    /// clients does: with this connection all of theirs went, and the servers that are left have others to serve. Zero or more. Default 0.5 s.
    /// </summary>
    public TimeSpan ReconnectSpread { get; init; } = TimeSpan.FromMilliseconds(Protocol.ReconnectSpread.UntoldMs);

    /// <summary>The longest wait between two attempts. Not below <see cref="ReconnectFirst"/>. Default 15 s.</summary>
    public TimeSpan ReconnectLongest { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How many messages may wait to be sent, all rooms together. At least 1. Default 1,000.</summary>
    public int OutboxMax { get; init; } = 1_000;

    /// <summary>
    /// How many events may wait in a stream that is read slowly. Above it the timelines stand still, and go on, without
    /// losing a message, once it is half empty. At least 16. Default 10,000.
    /// </summary>
    public int EventsMax { get; init; } = 10_000;

    /// <summary>Bounds of each room's timeline.</summary>
    public TimelineOptions Timeline { get; init; } = new();

    /// <summary>The clock. Default: the system's.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Where the client logs. No token is ever logged. Default: nowhere.</summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;

    /// <exception cref="ArgumentException">A value is out of its range; the message names it.</exception>
    internal void Validate()
    {
        Require(Servers is { Count: > 0 }, nameof(Servers), "at least one address");
        Require(ConnectPatience >= TimeSpan.Zero || ConnectPatience == Timeout.InfiniteTimeSpan, nameof(ConnectPatience), "zero or more, or infinite");
        Require(ConnectTimeout > TimeSpan.Zero, nameof(ConnectTimeout), "more than zero");
        Require(CallTimeout > TimeSpan.Zero, nameof(CallTimeout), "more than zero");
        Require(SilenceTimeout > TimeSpan.Zero, nameof(SilenceTimeout), "more than zero");
        Require(ReconnectFirst > TimeSpan.Zero, nameof(ReconnectFirst), "more than zero");
        Require(ReconnectSpread >= TimeSpan.Zero, nameof(ReconnectSpread), "zero or more");
        Require(ReconnectLongest >= ReconnectFirst, nameof(ReconnectLongest), "not below ReconnectFirst");
        Require(OutboxMax >= 1, nameof(OutboxMax), "at least 1");
        Require(EventsMax >= 16, nameof(EventsMax), "at least 16");
        Require(Timeline.WindowMax >= 200, nameof(TimelineOptions.WindowMax), "at least 200");
        Require(Timeline.HeldMax >= 1, nameof(TimelineOptions.HeldMax), "at least 1");
        Require(Timeline.BackfillMax >= 0, nameof(TimelineOptions.BackfillMax), "zero or more");
    }

    private static void Require(bool holds, string option, string expected)
    {
        if (!holds)
        {
            throw new ArgumentException($"{option} is out of range; expected {expected}.", option);
        }
    }
}
