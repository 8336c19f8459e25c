using System.Text.Json;
using DChat.Protocol;
using DChat.Server.Worker.Hub;

namespace DChat.Server.Worker.Gateway;

/// <summary>
/// Tells clients over how long they are to come back, should this worker be lost: the longer the more of them it has, since the other workers
/// serve clients of their own meanwhile.
/// </summary>
/// <param name="clientsPerSecond">So many come back in a second; 0: as many as like to.</param>
internal sealed class ReconnectPace(int clientsPerSecond)
{
    /// <summary>Nobody is asked to wait longer than this for the sake of the others, in milliseconds.</summary>
    private const int MostMs = 10_000;

    /// <summary>Told in steps of this many milliseconds, so that one frame does for all who are told together.</summary>
    private const int StepMs = 100;

    private Told last = new(0, []);

    /// <summary>The spread for so many clients, in milliseconds.</summary>
    public int SpreadMs(int clients) =>
        clientsPerSecond == 0 ? ReconnectSpread.UntoldMs : (int)Math.Clamp(clients * 1_000L / clientsPerSecond / StepMs * StepMs, ReconnectSpread.UntoldMs, MostMs);

    /// <summary>A connection takes events from now on: it was told nothing yet.</summary>
    public void Begin(ChatConnection connection, int clients)
    {
        connection.ReconnectSpreadMs = ReconnectSpread.UntoldMs;
        Tell(connection, clients);
    }

    /// <summary>Tells a client that was told something else by more than a quarter: so each hears of it a few times, however many come and go.</summary>
    public void Tell(ChatConnection connection, int clients)
    {
        var (told, now) = (connection.ReconnectSpreadMs, SpreadMs(clients));
        if (now * 4 <= told * 5 && told * 4 <= now * 5)
        {
            return;
        }

        connection.ReconnectSpreadMs = now;
        connection.Outbox.WriteFrame(FrameOf(now));
    }

    private byte[] FrameOf(int spreadMs)
    {
        var known = Volatile.Read(ref last);
        if (known.SpreadMs != spreadMs)
        {
            known = new Told(spreadMs, HubText.EventFrame(HubEvents.ReconnectSpread, new ReconnectSpread(spreadMs), static (json, spread) =>
                JsonSerializer.Serialize(json, spread, ProtocolJson.Wire.ReconnectSpread)));
            Volatile.Write(ref last, known);
        }

        return known.Frame;
    }

    private sealed record Told(int SpreadMs, byte[] Frame);
}
