using System.Text.Json.Nodes;
using DChat.Cluster.Tests.Chaos;
using DChat.Cluster.Tests.Durability;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Cluster;

/// <summary>People who chat over all workers until it is enough (<c>dchat load</c>), and what checks them.</summary>
internal sealed class ChatLoad : IDisposable
{
    private const int Rooms = 8;

    private static readonly TimeSpan EndLimit = TimeSpan.FromMinutes(3);

    private readonly TemporaryFolder _folder = new();
    private readonly LoadGenerator _chat;
    private readonly Acknowledgements _acks;

    private ChatLoad(ClusterUnderTest cluster, int seed)
    {
        _acks = new Acknowledgements(_folder["acks"]);
        _chat = LoadGenerator.Start(
            cluster.Workers.Select(worker => worker.Client),
            ClusterUnderTest.AdminPassword,
            "--reconnect", "--mark-read", "--until-eof",
            "--users", "24", "--rooms", "8", "--members", "9", "--rate", "150",
            "--warmup", "0", "--duration", "0", "--drain", "90",
            "--ack-log", _folder["acks"], "--seed", $"{seed}");
    }

    public static ChatLoad Start(ClusterUnderTest cluster, int seed) => new(cluster, seed);

    /// <summary>Waits until something that was said after this was called is answered in every room.</summary>
    public Task GoesOnAsync()
    {
        var now = ChaosLog.NowMs;
        return Eventually.Holds(() => Read().Rooms.Count == Rooms && _acks.Rooms.All(room => _acks.Answers(room, now)));
    }

    /// <summary>Fails where the checker has found something, or nobody chats any more.</summary>
    public void AssertClean() => Read();

    /// <returns>The report of its end, of whose verdict nothing is wrong.</returns>
    public async Task<JsonNode> EndAsync()
    {
        _chat.IsEnough();
        var report = await _chat.FinishAsync(EndLimit);
        Assert.Equal(0, (int)report["resets"]!); // Nobody was taken back, and nobody lost his place.
        Assert.Equal(0, (int)report["refused"]!);
        Assert.Equal(0, (int)report["marksUnanswered"]!);
        return report;
    }

    public void Dispose()
    {
        _chat.Dispose();
        _acks.Dispose();
        _folder.Dispose();
    }

    private Acknowledgements Read()
    {
        Assert.True(_chat.FirstFinding is null, $"the checker found: {_chat.FirstFinding}");
        Assert.False(_chat.HasEnded, "the load ended by itself");
        _acks.Read();
        return _acks;
    }
}
