using DChat.Cluster.Tests.Chaos;
using DChat.Cluster.Tests.Durability;
using DChat.Cluster.Tests.Registry;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Upgrade;

/// <summary>People who chat over all workers, and others who change the registry, until it is enough; what checks both.</summary>
internal sealed class UpgradeLoad : IAsyncDisposable
{
    private const int Rooms = 8;

    private static readonly TimeSpan EndLimit = TimeSpan.FromMinutes(3);

    private readonly TemporaryFolder _folder = new();
    private readonly LoadGenerator _chat;
    private readonly RegistryCrowd _registry;
    private readonly Acknowledgements _acks;

    private UpgradeLoad(ClusterUnderTest cluster, RegistryCrowd registry, int seed)
    {
        _registry = registry;
        _acks = new Acknowledgements(_folder["acks"]);
        _chat = LoadGenerator.Start(
            cluster.Workers.Select(worker => worker.Client),
            ClusterUnderTest.AdminPassword,
            "--reconnect", "--mark-read", "--until-eof",
            "--users", "24", "--rooms", "8", "--members", "9", "--rate", "150",
            "--warmup", "0", "--duration", "0", "--drain", "90",
            "--ack-log", _folder["acks"], "--seed", $"{seed}");
    }

    public static async Task<UpgradeLoad> StartAsync(ClusterUnderTest cluster, int seed) => new(cluster, await RegistryCrowd.StartAsync(cluster, seed), seed);

    /// <summary>Waits until what was said in every room, and a command, after this was called, is answered.</summary>
    public async Task GoesOnAsync()
    {
        var now = ChaosLog.NowMs;
        await Eventually.Holds(() => Read().Rooms.Count == Rooms && _acks.Rooms.All(room => _acks.Answers(room, now)));
        await Eventually.Holds(() => Read() is not null && _registry.Answers(now));
    }

    /// <returns>What was looked at, for people.</returns>
    public async Task<string> EndAsync()
    {
        _chat.IsEnough();
        var report = await _chat.FinishAsync(EndLimit);
        Assert.Equal(0, (int)report["resets"]!); // Nobody was taken back, and nobody lost his place.
        Assert.Equal(0, (int)report["refused"]!);
        Assert.Equal(0, (int)report["marksUnanswered"]!);
        return $"{report["acknowledged"]} acknowledged, {report["deliveries"]} deliveries, {report["reconnects"]} reconnects, {report["heldBack"]} held back, {report["marks"]} read marks; {await _registry.EndAsync()}";
    }

    public async ValueTask DisposeAsync()
    {
        _chat.Dispose();
        _acks.Dispose();
        await _registry.DisposeAsync();
        _folder.Dispose();
    }

    private Acknowledgements Read()
    {
        Assert.True(_chat.FirstFinding is null, $"the checker found: {_chat.FirstFinding}");
        Assert.True(_registry.Finding is null, $"the registry's checker found: {_registry.Finding}");
        Assert.False(_chat.HasEnded, "the load ended by itself");
        _acks.Read();
        return _acks;
    }
}
