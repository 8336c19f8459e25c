using BenchmarkDotNet.Attributes;
using DChat.Core.Registry;
using DChat.Core.Rooms;

namespace DChat.Benchmarks.Micro;

/// <summary>What one change of the registry costs, in a registry as large as an organization's.</summary>
[MemoryDiagnoser]
public class RegistryBenchmarks
{
    private const int Accounts = 100_000;
    private const int Rooms = 1_000;
    private const int MembersPerRoom = 200;
    private const int RecordsPerEntry = 100;
    private const long At = 1_700_000_000_000;

    private RegistryState _state = RegistryState.Empty;
    private JoinRoom _join = null!;
    private RegistryRecord _joined = null!;
    private RegistryEntry _entry = null!;
    private byte[] _encoded = [];

    [GlobalSetup]
    public void Fill()
    {
        for (var from = 0; from < Accounts; from += RegistryBounds.BulkNames)
        {
            Commit(new CreateAccounts("", "", At, [.. Enumerable.Range(from, RegistryBounds.BulkNames).Select(Name)]));
        }

        for (var room = 0; room < Rooms; room++)
        {
            var members = Enumerable.Range(0, MembersPerRoom).Select(member => Name(((room * MembersPerRoom) + member) % Accounts));
            Commit(new CreateRoom("", "", At, RoomId(room), $"room {room}", null, RoomVisibility.Public, null, "", [.. members]));
        }

        _join = Join(Accounts - 1);
        _joined = Decide(_join).Record!;
        _entry = new RegistryEntry(RegistryEntryCodec.Version, At, [.. Enumerable.Range(1, RecordsPerEntry).Select(user => Decide(Join(Accounts - user)).Record!)]);
        _encoded = RegistryEntryCodec.Encode(_entry);
    }

    [Benchmark]
    public object DecideJoin() => Decide(_join);

    [Benchmark]
    public object ApplyJoin() => RegistryMachine.Apply(_state, _state.Index + 1, _joined);

    [Benchmark(OperationsPerInvoke = RecordsPerEntry)]
    public object ApplyJoinInBatch() => RegistryMachine.Apply(_state, _state.Index + 1, _entry);

    [Benchmark(OperationsPerInvoke = RecordsPerEntry)]
    public object EncodeInBatch() => RegistryEntryCodec.Encode(_entry);

    [Benchmark(OperationsPerInvoke = RecordsPerEntry)]
    public object DecodeInBatch() => RegistryEntryCodec.Decode(_encoded);

    private static string Name(int user) => $"user{user}";

    private static string RoomId(int room) => $"room{room:d20}";

    /// <summary>By a user into a room of which it is no member yet.</summary>
    private static JoinRoom Join(int user) => new($"join{user}", Name(user), At, RoomId(user % 400));

    private Decision Decide(Command command) => RegistryMachine.Decide(_state, command, RegistryLimits.None);

    private void Commit(Command command)
    {
        var decision = Decide(command);
        if (decision.Record is not { } record)
        {
            throw new InvalidOperationException($"{command.GetType().Name} was refused: {decision.Outcome}");
        }

        _state = RegistryMachine.Apply(_state, _state.Index + 1, record);
    }
}
