using System.Globalization;
using DChat.Protocol;

namespace DChat.Server.Cli.Administration;

/// <summary>What administrators read: tables whose columns are as wide as they must be. Names of others lose what could steer a terminal.</summary>
internal static class AdminText
{
    public static void Status(ClusterStatus status, TextWriter output)
    {
        output.WriteLine($"leader {status.Leader} · term {status.Term} · log entry {Number(status.Index)}, {Number(status.LogEntries)} in the log · newest snapshot {Snapshot(status)}");
        output.WriteLine($"{SizeText.Count(status.Accounts, "account")} · {SizeText.Count(status.Rooms, "room")} · {SizeText.Count(status.Memberships, "membership")} · {SizeText.Count(status.Online, "connection")}");
        if (status.LogFull)
        {
            output.WriteLine("! the control log is full: the registry cannot be changed (accounts, rooms, members), chat goes on. The leader's log says what to do");
        }

        if (status.SnapshotError is { } error)
        {
            output.WriteLine($"! the log grows, as no snapshot can be kept, or not all coordinators find them: {Clean(error)}");
        }

        output.WriteLine();
        if (status.Coordinators is { Count: > 1 } coordinators)
        {
            Table(
                output,
                ["coordinator", "role", "lag", "seen", "version"],
                coordinators.Select(coordinator => new[] { coordinator.Address, coordinator.Role, Number(coordinator.Lag), Seen(coordinator.SeenMs), coordinator.Version ?? "-" }));
            foreach (var parked in coordinators.Where(coordinator => coordinator.Role == "parked"))
            {
                output.WriteLine($"! {parked.Address}: its program is older than the registry, so it neither leads nor stands by: upgrade it");
            }

            output.WriteLine();
        }

        Workers(status, output);
    }

    private static string Snapshot(ClusterStatus status) => status.SnapshotIndex == 0 ? "none yet"
        : $"to entry {Number(status.SnapshotIndex)}{(status.SnapshotAgeMs is { } age ? string.Create(CultureInfo.InvariantCulture, $", {age / 60_000.0:0.#} min ago") : "")}";

    public static void Workers(ClusterStatus status, TextWriter output)
    {
        Table(
            output,
            ["worker", "address", "state", "kind", "rooms", "load", "connections", "deliveries/s", "lag", "seen", "version", "labels"],
            status.Workers.Select(worker => new[]
            {
                worker.Id,
                worker.Address,
                worker.State,
                worker.Capacity == 0 ? "gateway" : "host",
                Number(worker.Rooms),
                worker.Load.ToString("0.###", CultureInfo.InvariantCulture),
                Number(worker.Connections),
                worker.DeliveriesPerSecond.ToString("#,0", CultureInfo.InvariantCulture),
                worker.Lag is { } lag ? Number(lag) : "-",
                worker.SeenMs is { } seen ? Seen(seen) : "never",
                worker.Version ?? "-",
                string.Join(' ', worker.Labels),
            }));
        foreach (var worker in status.Workers)
        {
            if (worker.StoreError is { } error)
            {
                output.WriteLine($"! {worker.Id}: its message store cannot be used: {Clean(error)}");
            }

            if (worker.Unreachable is { } unreachable)
            {
                output.WriteLine($"! {worker.Id} cannot reach {string.Join(", ", unreachable)}");
            }

            if (worker.Unfit is { } unfit)
            {
                output.WriteLine($"! {worker.Id} is given no rooms while others can take them: {(unfit == UnfitReasons.Store ? "they can use the message store, and it cannot" : "it and others cannot reach each other")}");
            }
        }
    }

    public static void Members(AdminMembers members, TextWriter output)
    {
        Table(
            output,
            ["member", "address", "state", "etcd"],
            members.Members.Select(member => new[] { member.Name.Length > 0 ? member.Name : "?", member.Address, member.State, member.Leads ? "leads" : "" }));
        if (members.Members.Any(member => member.State is "away" or "missing"))
        {
            output.WriteLine("! one that is lost or missing is replaced by: dchat-server member replace NAME=HOST");
        }
    }

    public static void MemberReplaced(string name, string address, AdminMembers members, TextWriter output)
    {
        Members(members, output);
        output.WriteLine();
        output.WriteLine($"{name} is expected at {address}. Start it there, with an empty --data and the cluster's secret:");
        output.WriteLine($"  dchat-server --mode coordinator --node {name} --peers {members.Peers} --cluster-secret-file FILE …");
        output.WriteLine("The others go on as they are; give them the same --peers before their next start.");
    }

    public static void Rooms(AdminRooms rooms, TextWriter output)
    {
        Table(
            output,
            ["id", "name", "kind", "visibility", "members", "created", "worker", "epoch"],
            rooms.Rooms.Select(room => new[] { room.Id, room.Name, room.Kind, room.Visibility, Number(room.Members), Time(room.CreatedAt), room.Worker ?? "none", Number(room.Epoch) }));
        More(rooms.Next, output);
    }

    public static void Room(AdminRoom room, TextWriter output)
    {
        output.WriteLine($"{room.Id}  {Clean(room.Name)}");
        output.WriteLine($"  {room.Kind}, {room.Visibility}{(room.Archived ? ", archived" : "")}, {Number(room.Members)} members, made by {Clean(room.CreatedBy)} at {Time(room.CreatedAt)}");
        output.WriteLine($"  owners     {string.Join(", ", (room.Owners ?? []).Select(Clean))}");
        output.WriteLine($"  host       {room.Worker ?? "none"}, epoch {Number(room.Epoch)}");
        output.WriteLine($"  retention  {(room.RetentionDays == 0 ? "as the server keeps messages" : Number(room.RetentionDays) + " days")}");
    }

    public static void Users(AdminUsers users, TextWriter output)
    {
        Table(
            output,
            ["user", "name", "roles", "state", "rooms", "created"],
            users.Users.Select(user => new[] { user.User, user.DisplayName, string.Join(' ', user.Roles), user.Disabled ? "disabled" : "", Number(user.Rooms), Time(user.CreatedAt) }));
        More(users.Next, output);
    }

    public static void Invitation(InvitationAnswer made, TextWriter output) =>
        output.WriteLine($"{made.Code}  makes {Number(made.Uses)} account{(made.Uses == 1 ? "" : "s")}, until {Time(made.ExpiresAt)}");

    public static void Audit(AuditTrail trail, TextWriter output)
    {
        Table(
            output,
            ["number", "at", "actor", "action", "room", "subject", "text"],
            trail.Entries.Select(entry => new[] { Number(entry.Number), Time(entry.At), entry.Actor.Length == 0 ? "(cluster)" : entry.Actor, entry.Action, entry.Room, entry.Subject, entry.Text }));
        More(trail.Next?.ToString(CultureInfo.InvariantCulture), output);
    }

    private static void Table(TextWriter output, string[] heads, IEnumerable<string[]> rows)
    {
        var all = rows.Select(row => Array.ConvertAll(row, Clean)).ToList();
        var widths = heads.Select((head, column) => Math.Max(head.Length, all.Count == 0 ? 0 : all.Max(row => row[column].Length))).ToArray();
        foreach (var row in all.Prepend(heads))
        {
            output.WriteLine(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
        }
    }

    private static void More(string? next, TextWriter output)
    {
        if (next is not null)
        {
            output.WriteLine($"there are more: --after {next}");
        }
    }

    private static string Seen(long ms) => string.Create(CultureInfo.InvariantCulture, $"{ms / 1000.0:0.0} s ago");

    private static string Number(long number) => number.ToString("#,0", CultureInfo.InvariantCulture);

    private static string Time(long unixMs) => DateTimeOffset.FromUnixTimeMilliseconds(unixMs).ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static string Clean(string text) => string.Concat(text.Where(letter => !char.IsControl(letter) && char.GetUnicodeCategory(letter) != UnicodeCategory.Format));
}
