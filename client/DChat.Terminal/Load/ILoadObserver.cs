namespace DChat.Terminal.Load;

/// <summary>Sees what the clients of a run are answered and shown, as it happens. Called by the threads that receive: it has to be quick.</summary>
internal interface ILoadObserver
{
    /// <param name="sentTicks">When the message was due, in <see cref="System.Diagnostics.Stopwatch"/> ticks.</param>
    void Acknowledged(int client, int room, long sentTicks, long now);

    /// <summary>The client was shown something new of the room, or that there is nothing that it missed.</summary>
    void Shown(int client, int room, long now);
}
