using DChat.Core.ControlLog;
using DChat.Core.Registry;
using DChat.Server.Coordinator;
using DChat.Storage.Memory;
using DChat.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Server.Tests.Coordinator;

/// <summary>One leader over a memory log whose faults the test chooses.</summary>
internal sealed class RegistryBench : IAsyncDisposable
{
    /// <summary>No command is given up because the machine is slow.</summary>
    public static readonly CoordinatorOptions Patient = new() { CommandTimeout = Eventually.DefaultLimit };

    private readonly CancellationTokenSource _stop = new();
    private ILeadership? _leadership;

    public RegistryBench(CoordinatorOptions? options = null)
    {
        Log = new FaultyControlLog(new MemoryControlLog(Cluster));
        Options = options ?? Patient;
    }

    public MemoryControlCluster Cluster { get; } = new();

    public FaultyControlLog Log { get; }

    public CoordinatorOptions Options { get; }

    public RegistryReplica Replica { get; } = new(TimeProvider.System);

    public RegistryLeader Leader { get; private set; } = null!;

    public Task<TermEnd> Run { get; private set; } = null!;

    public static CreateAccount Account(string name, string? id = null) => new(id ?? "", "", 1_000, name, null, [1, 2, 3]);

    /// <param name="isUnaware">Nobody tells this leader when its term is over.</param>
    public async Task<RegistryBench> LeadAsync(bool isUnaware = false)
    {
        _leadership = await Log.CampaignAsync("a:1", CancellationToken.None).Within();
        Leader = new RegistryLeader(_leadership.Term, Log, Replica, Options, new NewRoomPlacement(Options.Placement, worker => new(worker.Id, worker.Capacity, 0, 0, worker.RoomCount), _ => true), TimeProvider.System, NullLogger.Instance);
        Run = Leader.RunAsync(isUnaware ? CancellationToken.None : _leadership.Lost, _stop.Token);
        return this;
    }

    public Task<CommandResult> SubmitAsync(Command command) => Leader.SubmitAsync(command, CancellationToken.None).Within();

    public Task StopAsync() => _stop.CancelAsync();

    /// <summary>The registry that the log alone makes.</summary>
    public static async Task<RegistryState> ReplayAsync(IControlLog log)
    {
        var end = (await log.ReadBoundsAsync(CancellationToken.None)).Last;
        var state = RegistryState.Empty;
        if (end > 0)
        {
            using var limit = new CancellationTokenSource(Eventually.DefaultLimit);
            await foreach (var entry in log.FollowAsync(1, limit.Token))
            {
                state = RegistryMachine.Apply(state, entry.Index, RegistryEntryCodec.Decode(entry.Payload.Span));
                if (entry.Index == end)
                {
                    break;
                }
            }
        }

        return state;
    }

    public static void AssertSame(RegistryState expected, RegistryState actual)
    {
        Assert.Equal(expected.Index, actual.Index);
        Assert.Equal(Convert.ToHexString(RegistrySnapshot.StateHash(expected)), Convert.ToHexString(RegistrySnapshot.StateHash(actual)));
    }

    public async ValueTask DisposeAsync()
    {
        Log.Gate = Task.CompletedTask;
        Log.NextFault = () => AppendFault.None;
        await _stop.CancelAsync();
        if (Run is not null)
        {
            await Run.Within();
        }

        if (_leadership is not null)
        {
            await _leadership.DisposeAsync();
        }

        await Log.DisposeAsync();
        Cluster.Dispose();
        _stop.Dispose();
    }
}
