using DChat.Server.Recovery;

namespace DChat.Server.Tests.Recovery;

/// <summary>Nobody waits.</summary>
internal sealed class SilentProgress : IProgressReport
{
    public void Begin(string what, long bytes = 0)
    {
    }

    public void Add(long bytes)
    {
    }

    public void End(string result = "")
    {
    }

    public void Say(string line)
    {
    }
}
