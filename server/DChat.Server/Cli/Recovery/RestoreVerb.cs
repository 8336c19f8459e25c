using System.CommandLine;
using DChat.Core.Blobs;
using DChat.Core.Registry;
using DChat.Server.Blobs;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Snapshots;
using DChat.Server.Nodes;
using DChat.Server.Recovery;
using DChat.Server.Recovery.Backups;
using DChat.Server.Worker;
using Command = System.CommandLine.Command;

namespace DChat.Server.Cli.Recovery;

/// <summary>What is restored from.</summary>
internal enum RestoreKind
{
    /// <summary>Of the registry alone.</summary>
    Snapshots,

    /// <summary>Of all.</summary>
    Backups,
}

/// <summary><c>restore</c>: a new cluster from what is left of one.</summary>
internal static class RestoreVerb
{
    private static readonly Option<string> From = new("--from") { Description = "the place of backups, or the --blobs of the cluster that was, with its snapshots: file:PATH or s3://BUCKET/PREFIX?…", HelpName = "URL", Required = true };
    private static readonly Option<string> At = new("--at") { Description = $"the newest not after it; {RestoreMoment.Expected}", HelpName = "TIME|INDEX" };
    private static readonly Option<RestoreKind?> Use = new("--use")
    {
        Description = "where both are there: snapshots, or backups",
        HelpName = "KIND",
        CustomParser = static given => NamedValue.Read<RestoreKind?>(
            given, text => text switch { "snapshots" => RestoreKind.Snapshots, "backups" => RestoreKind.Backups, _ => null }, "snapshots or backups"),
    };
    private static readonly Option<bool> DryRun = new("--dry-run") { Description = "say what is there and what would be done, and change nothing" };
    private static readonly Option<bool> Yes = new("--yes") { Description = "do not ask" };

    public static Command Make(Func<ParseResult, ServerOptions> read)
    {
        var verb = new Command("restore", "begin a new cluster with the newest good backup, or snapshot, of the one that was: into the empty --log, and the --store and --blobs that are given; nothing is overwritten. It takes the servers' own flags: --data, --log, --store, --blobs, --cluster-secret-file, --node, --peers") { From, At, Use, DryRun, Yes };
        verb.SetAction((parsed, _) => RecoveryVerb.RunAsync((progress, logs, cancellation) => RunAsync(read(parsed), parsed, progress, logs, cancellation)));
        return verb;
    }

    private static async Task<int> RunAsync(ServerOptions options, ParseResult parsed, ProgressBar progress, ILoggerFactory logs, CancellationToken cancellation)
    {
        var made = new FoldersMade([options.Data, .. Places.OfBlobs(options) is { S3: null } blobs ? new[] { blobs.Path } : []]);
        var isDone = false;
        try
        {
            var code = await RestoreAsync(options, parsed, progress, logs, cancellation);
            isDone = code == CommandLine.Success;
            return code;
        }
        finally
        {
            if (!isDone)
            {
                made.RemoveEmpty();
            }
        }
    }

    private static async Task<int> RestoreAsync(ServerOptions options, ParseResult parsed, ProgressBar progress, ILoggerFactory logs, CancellationToken cancellation)
    {
        var (moment, dryRun, yes) = (ReadMoment(parsed.GetValue(At)), parsed.GetValue(DryRun), parsed.GetValue(Yes));
        var from = Places.Parse(From.Name, parsed.GetValue(From)!);
        var into = Places.OfBlobs(options);
        if (options is { SharesLog: true, Blobs: null })
        {
            throw new ConfigurationException("--blobs", "the log will begin behind a snapshot, which every coordinator must read", "give one --blobs that all of them see, a bucket or a folder that all machines share");
        }

        var secret = NodeSetup.ExistingSecret(options);
        if (!dryRun && !yes && Console.IsInputRedirected)
        {
            throw new ConfigurationException("restore", "it asks before it changes anything, and there is no terminal to ask at", "look with --dry-run, then give --yes");
        }

        if (options.Peers is not null)
        {
            MemberChecks.PreflightOfRestore(options);
        }

        await using var held = dryRun ? null : Preflight.HoldData(options.Data);
        await using var origin = new MeteredBlobStore(Places.OpenExisting(From.Name, from, "give the place of backups, or the --blobs of the cluster that was", logs), progress.Add);
        var source = await FindAsync(origin, from, moment, parsed.GetValue(Use), secret, progress, cancellation);
        var inPlace = !source.HasMessages && Places.IsSame(from, into);
        progress.Say($"registry: {Describe(source.Registry)}");
        if (inPlace)
        {
            await FormerLeader.RefuseLivingAsync(origin, into.ToString(), options, secret, TimeProvider.System, progress, cancellation);
        }

        await using var archive = MessageStores.OpenArchive(options, TimeProvider.System);
        var storePlace = (options.Store ?? new EngineUrl("sqlite", options.StorePath)).ToString();
        var makesBlobs = into.S3 is null && !Directory.Exists(into.Path);
        await using var there = inPlace || (dryRun && makesBlobs) ? null : BlobStores.Open(into, logs);
        var targets = new RestoreTargets(options, archive, storePlace, inPlace ? origin : there, into.ToString(), inPlace);
        var plan = await RestorePlan.MakeAsync(source, targets, TimeProvider.System, logs, cancellation);
        progress.Say(dryRun ? "It would restore into" : "It restores into");
        foreach (var line in plan.Lines)
        {
            progress.Say("  " + line);
        }

        if (dryRun)
        {
            progress.Say("Nothing was changed.");
            return CommandLine.Success;
        }

        if (!yes && !Confirm())
        {
            progress.Say("Nothing was changed.");
            return CommandLine.Failure;
        }

        var run = new RestoreRun(source, plan, targets, there ?? origin, secret, TimeProvider.System, logs, progress);
        var registry = await run.RunAsync(cancellation);
        if (run.Dropped > 0)
        {
            progress.Say($"{SizeText.Count(run.Dropped, "room")} that the registry does not know were left out, with their messages.");
        }

        progress.Say($"Restored. The registry stands at index {registry.Index}. Start the cluster with the same {(options.Peers is null ? "--log" : "--data, --node, --peers")}, --store, --blobs and cluster secret.");
        foreach (var peer in options.Peers?.All.Where(peer => peer.Name != options.Node) ?? [])
        {
            progress.Say($"With a worker running: dchat-server member replace {peer}, then start {peer.Name} with an empty --data.");
        }

        return CommandLine.Success;
    }

    /// <summary>Its size, and its hash, by which it is told from any other.</summary>
    public static string Describe(RegistryState registry) =>
        $"{SizeText.Count(registry.AccountCount, "account")}, {SizeText.Count(registry.RoomCount, "room")}, {SizeText.Count(registry.MembershipCount, "membership")}, index {registry.Index}, hash {Convert.ToHexStringLower(RegistrySnapshot.StateHash(registry))}";

    private static async Task<IRestoreSource> FindAsync(IBlobStore origin, EngineUrl from, RestoreMoment moment, RestoreKind? use, ClusterSecret secret, ProgressBar progress, CancellationToken cancellation)
    {
        var snapshots = new SnapshotStore(origin, secret, Path.GetTempPath());
        var backups = new BackupStore(origin, secret);
        var (found, made) = (await snapshots.ListAsync(cancellation), await backups.ListAsync(cancellation));
        if (use is null && found.Count > 0 && made.Count > 0)
        {
            throw new ConfigurationException($"{From.Name} {from}", "both snapshots and backups are there", $"give {Use.Name} backups, or {Use.Name} snapshots");
        }

        if (made.Count > 0 && use is null or RestoreKind.Backups)
        {
            progress.Say($"{SizeText.Count(made.Count, "backup")} in {from}, newest first");
            return await new BackupSearch(backups, from.ToString(), progress).ChooseAsync(made, moment, cancellation);
        }

        if (found.Count > 0 && use is null or RestoreKind.Snapshots)
        {
            progress.Say($"{SizeText.Count(found.Count, "snapshot")} in {from}, newest first");
            return await new SnapshotSearch(snapshots, origin, from.ToString(), progress).ChooseAsync(found, moment, cancellation);
        }

        throw new RestoreRefusedException($"There are no {(use is RestoreKind.Backups ? "backups" : use is RestoreKind.Snapshots ? "snapshots" : "backups or snapshots")} in {from}.");
    }

    public static RestoreMoment ReadMoment(string? text)
    {
        try
        {
            return text is null ? RestoreMoment.Newest : RestoreMoment.Parse(text);
        }
        catch (FormatException)
        {
            throw new ConfigurationException($"{At.Name} {text}", $"it is not {RestoreMoment.Expected}", "give one of those, or leave it out for the newest");
        }
    }

    private static bool Confirm()
    {
        Console.Error.Write("Go on? Type yes: ");
        return Console.ReadLine()?.Trim() == "yes";
    }
}
