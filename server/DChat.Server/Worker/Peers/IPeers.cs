namespace DChat.Server.Worker.Peers;

/// <summary>The other workers, as hosts of rooms.</summary>
internal interface IPeers
{
    /// <summary>A host came to be reachable, or is not any more.</summary>
    event Action<IHostPort>? Changed;

    /// <summary>The way to a worker, made at the first need; null where it is gone from the registry.</summary>
    IHostPort? Find(string worker);

    /// <summary>The registry's workers changed.</summary>
    void Refresh();
}
