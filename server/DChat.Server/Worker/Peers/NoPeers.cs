namespace DChat.Server.Worker.Peers;

/// <summary>A worker that is alone.</summary>
internal sealed class NoPeers : IPeers
{
    public event Action<IHostPort>? Changed
    {
        add { }
        remove { }
    }

    public IHostPort? Find(string worker) => null;

    public void Refresh()
    {
    }
}
