using System.CommandLine;
using DChat.Server.Blobs;
using DChat.Server.Nodes;
using DChat.Server.Recovery;
using DChat.Server.Recovery.Backups;
using DChat.Server.Worker;
using Command = System.CommandLine.Command;

namespace DChat.Server.Cli.Recovery;

/// <summary><c>backup</c>: all of a cluster in one sealed blob; <c>backup verify</c>: whether it can be read.</summary>
internal static class BackupVerb
{
    private static readonly Option<string> To = new("--to") { Description = "where backups are kept: file:PATH or s3://BUCKET/PREFIX?…, not the cluster's own --blobs", HelpName = "URL", Required = true };
    private static readonly Option<bool> WithoutFiles = new("--without-files") { Description = "make it though messages carry files and there is none in --blobs: they are lost" };
    private static readonly Argument<string> Place = new("url") { Description = "where backups are kept" };
    private static readonly Option<string> At = new("--at") { Description = "the newest not after this time; else the newest", HelpName = "TIME" };

    public static Command Make(Func<ParseResult, ServerOptions> read)
    {
        var verify = new Command("verify", "read the newest backup through, to its last byte. It takes --cluster-secret-file, or --data") { Place, At };
        verify.SetAction((parsed, _) => RecoveryVerb.RunAsync((progress, logs, cancellation) => VerifyAsync(read(parsed), parsed, progress, logs, cancellation)));
        var backup = new Command("backup", "make one sealed backup of messages, accounts, rooms and files, of a cluster that runs or not (where its coordinators run their own etcd, --peers: beside one that runs); it reads --log, --store and --blobs itself. It takes the servers' own flags: --data, --log, --store, --blobs, --cluster-secret-file, --node, --peers") { To, WithoutFiles, verify };
        backup.SetAction((parsed, _) => RecoveryVerb.RunAsync((progress, logs, cancellation) => BackupAsync(read(parsed), parsed, progress, logs, cancellation)));
        return backup;
    }

    private static async Task<int> BackupAsync(ServerOptions options, ParseResult parsed, ProgressBar progress, ILoggerFactory logs, CancellationToken cancellation)
    {
        var (from, to) = (Places.OfBlobs(options), Places.Parse(To.Name, parsed.GetValue(To)!));
        if (Places.Overlap(from, to))
        {
            throw new ConfigurationException(
                $"{To.Name} {to}", $"the cluster's own files are there{(Places.IsSame(from, to) ? "" : $" (--blobs {from}: one lies in the other)")}, and a backup beside them is lost with them", "give another folder, bucket or prefix, neither in --blobs nor around it");
        }

        var secret = NodeSetup.ExistingSecret(options);
        await using var blobs = new MeteredBlobStore(Places.OpenExisting("--blobs", from, "give the cluster's own --blobs, where its files and snapshots are", logs), progress.Add);
        await using var store = MessageStores.OpenArchive(options, TimeProvider.System);
        await using var place = BlobStores.Open(to, logs);
        var (name, end) = await new BackupRun(options, store, blobs, secret, TimeProvider.System, logs, progress, parsed.GetValue(WithoutFiles)).RunAsync(new BackupStore(place, secret), cancellation);
        var size = (await new BackupStore(place, secret).ListAsync(cancellation)).Find(found => found.Name == name).Size;
        progress.Say($"{name} in {to}: {SizeText.Of(size)}; {BackupSource.ContentsOf(end)}.");
        progress.Say("It opens with this cluster's secret only: keep a copy of that elsewhere.");
        return CommandLine.Success;
    }

    private static async Task<int> VerifyAsync(ServerOptions options, ParseResult parsed, ProgressBar progress, ILoggerFactory logs, CancellationToken cancellation)
    {
        var place = Places.Parse("backup verify", parsed.GetValue(Place)!);
        var secret = NodeSetup.ExistingSecret(options);
        await using var blobs = new MeteredBlobStore(Places.OpenExisting("backup verify", place, "give the place that `backup --to` was given", logs), progress.Add);
        var store = new BackupStore(blobs, secret);
        var found = await store.ListAsync(cancellation);
        if (found.Count == 0)
        {
            throw new RestoreRefusedException($"There are no backups in {place}.");
        }

        var moment = RestoreVerb.ReadMoment(parsed.GetValue(At));
        var chosen = await new BackupSearch(store, place.ToString(), progress).ChooseAsync(found, moment, cancellation);
        progress.Say($"registry: {RestoreVerb.Describe(chosen.Registry)}");
        var asked = found.First(backup => moment.Reaches(0, backup.Name.StartedAt)).Name;
        return chosen.Backup == asked
            ? CommandLine.Success
            : throw new RestoreRefusedException($"The {(parsed.GetValue(At) is null ? "newest backup" : "backup asked for")}, '{asked}', cannot be used. The newest before it that can is '{chosen.Backup}': a restore would take that one. Make another backup.");
    }
}
