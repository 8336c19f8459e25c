using DChat.Cluster.Tests.Chaos;
using DChat.Cluster.Tests.Cluster;
using DChat.Cluster.Tests.Registry;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Upgrade;

/// <summary>People who chat over all workers, and others who change the registry, until it is enough; what checks both.</summary>
internal sealed class UpgradeLoad : IAsyncDisposable
{
    private readonly ChatLoad _chat;
    private readonly RegistryCrowd _registry;

    private UpgradeLoad(ChatLoad chat, RegistryCrowd registry) => (_chat, _registry) = (chat, registry);

    public static async Task<UpgradeLoad> StartAsync(ClusterUnderTest cluster, int seed)
    {
        var registry = await RegistryCrowd.StartAsync(cluster, seed);
        return new UpgradeLoad(ChatLoad.Start(cluster, seed), registry);
    }

    /// <summary>Waits until what was said in every room, and a command, after this was called, is answered.</summary>
    public async Task GoesOnAsync()
    {
        var now = ChaosLog.NowMs;
        await _chat.GoesOnAsync();
        await Eventually.Holds(() => AreClean() && _registry.Answers(now));
    }

    /// <returns>What was looked at, for people.</returns>
    public async Task<string> EndAsync()
    {
        var report = await _chat.EndAsync();
        return $"{report["acknowledged"]} acknowledged, {report["deliveries"]} deliveries, {report["reconnects"]} reconnects, {report["heldBack"]} held back, {report["marks"]} read marks; {await _registry.EndAsync()}";
    }

    public async ValueTask DisposeAsync()
    {
        _chat.Dispose();
        await _registry.DisposeAsync();
    }

    private bool AreClean()
    {
        _chat.AssertClean();
        Assert.True(_registry.Finding is null, $"the registry's checker found: {_registry.Finding}");
        return true;
    }
}
