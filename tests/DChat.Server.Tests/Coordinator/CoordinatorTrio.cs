using System.Text;
using DChat.Core.Blobs;
using DChat.Core.ControlLog;
using DChat.Core.Registry;
using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Standby;
using DChat.Server.Nodes;
using DChat.Server.Tests.Security;
using DChat.Server.Worker.Joining;
using DChat.Storage.Etcd;
using DChat.Storage.Files;
using DChat.Storage.Memory;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace DChat.Server.Tests.Coordinator;

/// <summary>Three coordinators in this process, put together as the server does it, that share a log in memory.</summary>
internal sealed class CoordinatorTrio : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _secret = Convert.ToBase64String(new byte[ClusterSecret.Size]);

    private bool _runMembers;
    private Task? _gate;
    private string? _elsewhere;

    public MemoryControlCluster Log { get; } = new();

    public List<InProcessServer> Nodes { get; } = [];

    /// <summary>Of the nodes, in their order.</summary>
    public List<ShiftedTime> Clocks { get; } = [];

    public string Addresses => string.Join(',', Nodes.Select(Address));

    public static CoordinatorService Service(InProcessServer node) => node.Services.GetRequiredService<CoordinatorService>();

    public static string Address(InProcessServer node) => Service(node).Advertise;

    /// <param name="only">One process that is a worker too, and no other.</param>
    /// <param name="runMembers">Each is told that it runs an etcd member that the others need.</param>
    /// <param name="gate">What they put into the blob store waits for it.</param>
    /// <param name="isLastElsewhere">The blob store of the last one is another place.</param>
    public static async Task<CoordinatorTrio> StartAsync(bool only = false, bool runMembers = false, Task? gate = null, bool isLastElsewhere = false)
    {
        var trio = new CoordinatorTrio { _runMembers = runMembers, _gate = gate, _elsewhere = isLastElsewhere ? "c2" : null };
        try
        {
            for (var i = 0; i < (only ? 1 : 3); i++)
            {
                trio.Nodes.Add(await trio.StartNodeAsync($"c{i}", only ? ServerMode.All : ServerMode.Coordinator));
            }

            return trio;
        }
        catch
        {
            await trio.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until one leads and the others are linked to it.</summary>
    public async Task<InProcessServer> LeaderAsync()
    {
        InProcessServer? leader = null;
        await Eventually.Holds(() => Nodes.FindAll(node => Service(node).IsLeader) is [var only]
            && (leader = only).Services.GetRequiredService<StandbyWatch>().All.Count == Nodes.Count - 1);
        return leader!;
    }

    /// <summary>Ends the term of the one that leads, and waits for the next; whoever waits longest is next.</summary>
    public async Task<InProcessServer> NextLeaderAsync()
    {
        var before = await LeaderAsync();
        var term = Service(before).Term;
        Log.Depose();
        await Eventually.Holds(() => !Service(before).IsLeader || Service(before).Term != term);
        return await LeaderAsync();
    }

    /// <summary>A leader that is none of these, and that nobody reaches, until it is disposed.</summary>
    public async Task<ILeadership> LeadFromElsewhereAsync(string address)
    {
        var log = new MemoryControlLog(Log);
        var campaign = log.CampaignAsync(address, CancellationToken.None);
        await Eventually.Holds(async () =>
        {
            if (await log.ReadLeaderAsync(CancellationToken.None) is { } other && other.Advertise != address)
            {
                await log.DeposeAsync(other.Term, CancellationToken.None); // Whoever waits longest is next.
            }

            return campaign.IsCompleted;
        });
        await Eventually.Holds(() => Nodes.TrueForAll(node => Service(node).LeaderAddress == address));
        return await campaign;
    }

    /// <summary>Appends an entry that these do not know, as one of a newer program that leads.</summary>
    public async Task AppendNewerAsync(ILeadership leadership)
    {
        var log = new MemoryControlLog(Log);
        var index = (await log.ReadBoundsAsync(CancellationToken.None)).Last + 1;
        var entry = Encoding.UTF8.GetBytes($$"""{"version":{{RegistryEntryCodec.Version + 1}}}""");
        Assert.Equal(AppendOutcome.Committed, await log.AppendAsync(leadership.Term, index, entry, CancellationToken.None));
    }

    /// <summary>One more, started when the others run.</summary>
    public async Task<InProcessServer> AddAsync()
    {
        var node = await StartNodeAsync($"c{Nodes.Count}", ServerMode.Coordinator);
        Nodes.Add(node);
        return node;
    }

    /// <summary>As a worker with the node's secret does it.</summary>
    public static LeaderSearch Search(InProcessServer node, string addresses) =>
        new(node.Services.GetRequiredService<NodeDialer>(), new CoordinatorAddresses(addresses), TimeProvider.System);

    public async ValueTask DisposeAsync()
    {
        foreach (var node in Nodes)
        {
            await node.DisposeAsync();
        }

        Log.Dispose();
        _folder.Dispose();
    }

    private Task<InProcessServer> StartNodeAsync(string name, ServerMode mode)
    {
        var port = FreePort.Next();
        var clock = new ShiftedTime();
        Clocks.Add(clock);
        return InProcessServer.StartAsync(
            options => options with
            {
                Mode = mode,
                NodePort = port,
                ClusterSecret = _secret,
                Data = _folder[name],
                Log = EngineUrl.Of(EtcdUrl.Parse("etcd://127.0.0.1:1/none")), // Not asked: the log below is put in its place.
                Blobs = EngineUrl.Under(_folder.Path, "file", name == _elsewhere ? "blobs-elsewhere" : "blobs"),
            },
            builder =>
            {
                builder.Services.Replace(ServiceDescriptor.Singleton<IControlLog>(new MemoryControlLog(Log))).Replace(ServiceDescriptor.Singleton<TimeProvider>(clock));
                var settings = (CoordinatorOptions)builder.Services.Single(service => service.ServiceType == typeof(CoordinatorOptions)).ImplementationInstance!;
                builder.Services.Replace(ServiceDescriptor.Singleton(settings with { RunsMember = _runMembers }));
                if (_gate is not null)
                {
                    builder.Services.Replace(ServiceDescriptor.Singleton<IBlobStore>(new FaultyBlobStore(FileBlobStore.OpenFolder(_folder["blobs"])) { Gate = _gate }));
                }
            });
    }
}

/// <summary>Hears what comes over a link and does nothing; the test looks at the link.</summary>
internal sealed class Nobody : INodeService
{
    public ValueTask ReceivedAsync(NodeLink link, NodeMessage message) => default;

    public void Ended(NodeLink link, string why)
    {
        // See above.
    }
}
