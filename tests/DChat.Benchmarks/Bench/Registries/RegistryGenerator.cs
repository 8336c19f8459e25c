using System.Globalization;
using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Server.Coordinator;
using DChat.TestKit;
using Microsoft.AspNetCore.Identity;

namespace DChat.Benchmarks.Bench.Registries;

/// <summary>
/// A large registry, made by the registry's own commands, many to an entry: a log as a leader would have written it. A few rooms are large,
/// most are small; names, display names and hashes are as long as people's.
/// </summary>
internal sealed class RegistryGenerator(RegistrySize size)
{
    private const long At = 1_760_000_000_000;
    private const int Seed = 1;

    /// <summary>Commands decided on one state; what they make may become several entries.</summary>
    private const int DecidedAtOnce = 500;

    private static readonly string[] First = ["anna", "bruno", "chiara", "dmitri", "elena", "farid", "grace", "henrik", "ines", "jamal", "keiko", "lucas", "mara", "noor", "oskar", "priya"];
    private static readonly string[] Last = ["almeida", "bauer", "castellano", "dubois", "eriksson", "fischer", "goldberg", "haddad", "ivanova", "jensen", "kowalski", "lindqvist", "moreau", "nakamura", "okafor", "petrov"];
    private static readonly string[] Topics = ["", "", "", "where we agree on what comes next", "questions, answers, and who is on call this week", "releases"];

    private readonly Random _random = new(Seed);
    private readonly byte[] _passwordHash = Convert.FromBase64String(new PasswordHasher<object>().HashPassword(new object(), ClusterUnderTest.AdminPassword));

    /// <summary>After the entries so far.</summary>
    public RegistryState State { get; private set; } = RegistryState.Empty;

    /// <summary>All accounts, rooms and memberships.</summary>
    public IEnumerable<RegistryEntry> Entries() => Accounts().Chunk(DecidedAtOnce).Concat(Rooms().Chunk(DecidedAtOnce)).SelectMany(Commit);

    /// <summary>One join an entry.</summary>
    public IEnumerable<RegistryEntry> Tail()
    {
        for (var made = 0; made < size.TailEntries;)
        {
            var user = NameOf(_random.Next(1, size.Accounts));
            if (State.FindRoom(RoomIdOf(_random.Next(size.Rooms))) is { } room && State.FindMembership(room, user) is null)
            {
                foreach (var entry in Commit([new JoinRoom($"join-{made++}", user, At, room.Id)]))
                {
                    yield return entry;
                }
            }
        }
    }

    public static string RoomIdOf(int room) => string.Create(CultureInfo.InvariantCulture, $"{(uint)room * 2_654_435_761u:x8}{room:x16}");

    private static string NameOf(int account) => account == 0
        ? ClusterBootstrap.Admin
        : string.Create(CultureInfo.InvariantCulture, $"{First[account % 16]}.{Last[account / 16 % 16]}-{account}");

    private IEnumerable<Command> Accounts()
    {
        yield return new CreateAccount("", "", At, NameOf(0), null, _passwordHash, Admin: true);
        for (var account = 1; account < size.Accounts; account++)
        {
            var name = NameOf(account);
            var shown = $"{First[account % 16]} {Last[account / 16 % 16]}";
            yield return new CreateAccount("", name, At + account, name, account % 2 == 0 ? shown : null, NextPasswordHash());
        }
    }

    /// <summary>Of a password that nobody knows: behind the format's head, salt and key are random.</summary>
    private byte[] NextPasswordHash()
    {
        const int HeadBytes = 13;
        var hash = _passwordHash.AsSpan().ToArray();
        _random.NextBytes(hash.AsSpan(HeadBytes));
        return hash;
    }

    /// <summary>One room in 10,000 has 20,000 members and one in 100 has 500, as far as there are accounts; the others share what is left.</summary>
    private IEnumerable<Command> Rooms()
    {
        var left = size.Memberships;
        for (var room = 0; room < size.Rooms; room++)
        {
            var small = left / (size.Rooms - room);
            var members = Math.Min(size.Accounts, room % 10_000 == 5_000 ? 20_000 : room % 100 == 50 ? 500 : small);
            left -= members;
            var (at, step) = (_random.Next(size.Accounts), 1 + (2 * _random.Next(1_000)));
            var names = Enumerable.Range(0, members).Select(member => NameOf((int)((at + ((long)member * step)) % size.Accounts))).Distinct().ToArray();
            var name = string.Create(CultureInfo.InvariantCulture, $"{First[room % 16]}s {Last[room / 16 % 16]} {room}");
            yield return new CreateRoom("", "", At + room, RoomIdOf(room), name, Topics[room % Topics.Length], RoomVisibility.Public, null, "", names[..Math.Min(names.Length, RegistryBounds.BulkNames)]);
            for (var from = RegistryBounds.BulkNames; from < names.Length; from += RegistryBounds.BulkNames)
            {
                yield return new AddMembers("", "", At + room, RoomIdOf(room), names[from..Math.Min(names.Length, from + RegistryBounds.BulkNames)]);
            }
        }
    }

    /// <summary>Decides the commands, which do not concern each other but where they add to a room, and yields what they make in as few entries as fit.</summary>
    private IEnumerable<RegistryEntry> Commit(IReadOnlyList<Command> commands)
    {
        var records = new List<RegistryRecord>();
        var bytes = 0;
        foreach (var command in commands)
        {
            if (command is AddMembers && records.Count > 0)
            {
                yield return Close();
            }

            var decision = RegistryMachine.Decide(State, command, RegistryLimits.None);
            var record = decision.Record ?? throw new InvalidOperationException($"{command} was refused: {decision.Outcome}");
            if (bytes + record.EncodedSize > EntryDraft.RecordBytesMax)
            {
                yield return Close();
            }

            records.Add(record);
            bytes += record.EncodedSize;
        }

        yield return Close();

        RegistryEntry Close()
        {
            var entry = new RegistryEntry(RegistryEntryCodec.Version, At, [.. records]);
            State = RegistryMachine.Apply(State, State.Index + 1, entry);
            records.Clear();
            bytes = 0;
            return entry;
        }
    }
}
