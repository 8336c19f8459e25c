using System.Globalization;
using System.Net.Sockets;
using DChat.Core.ControlLog;
using DChat.Server.Coordinator;
using DChat.Storage.Etcd;
using DChat.Storage.Files;

namespace DChat.Server.EtcdMembers;

/// <summary>
/// This coordinator's own etcd member: it finds out how the member begins, runs it, and waits until it has a majority, before the coordinator reads
/// its log. Registered before the coordinator, it stops after it.
/// </summary>
internal sealed partial class MemberService(MemberOptions options, EtcdMembership membership, TimeProvider time, ILogger<MemberService> logger) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private static readonly TimeSpan LookForLearners = TimeSpan.FromSeconds(1);

    /// <summary>What is waited for is said so often.</summary>
    private static readonly TimeSpan SayAgainAfter = TimeSpan.FromSeconds(10);

    /// <summary>Refusals in a row before one is believed: a member may be behind with who the members are.</summary>
    private const int RefusalsMax = 10;

    private MemberProcess? _process;
    private (string What, long At) _said = ("", 0);

    /// <summary>How often etcd ended by itself.</summary>
    public long Ends => _process?.Ends ?? 0;

    /// <summary>Returns when the member has a majority.</summary>
    /// <exception cref="StartRefusedException">It must not begin, or cannot.</exception>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            var note = Own();
            var begin = options.HasData ? Again() : await BeginAsync(note, cancellationToken);
            _process = new MemberProcess(options, begin, time, logger);
            await AgreeAsync(_process, cancellationToken);
            (MemberNote.Read(options.NotePath)! with { HasRun = true }).Write(options.NotePath);
            PrivateFile.Write(options.ClientPortPath, System.Text.Encoding.ASCII.GetBytes(options.ClientPort.ToString(CultureInfo.InvariantCulture)));
            await CompareAsync(cancellationToken);
        }
        catch
        {
            await (_process?.DisposeAsync() ?? default); // A start that failed stops no service that had not started.
            throw;
        }

        await base.StartAsync(cancellationToken);
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await (_process?.DisposeAsync() ?? default);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var promoting = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        var learners = PromoteAsync(promoting.Token);
        try
        {
            await (await Task.WhenAny(_process!.Completion.WaitAsync(stoppingToken), learners));
        }
        finally
        {
            await promoting.CancelAsync();
            await learners.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>
    /// A member that was added to one alone only learns at first, so that nothing waits for one that never comes: it votes when it has what the others have,
    /// which etcd itself knows. All coordinators see to that; it is done once.
    /// </summary>
    private async Task PromoteAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(LookForLearners, time);
        while (await timer.WaitForNextTickAsync(cancellation))
        {
            try
            {
                foreach (var learner in (await membership.ListAsync(cancellation)).Where(member => member is { Learns: true, HasRun: true }))
                {
                    await membership.PromoteAsync(learner.Id, cancellation);
                    Votes(logger, learner.Name, string.Join(' ', learner.PeerUrls));
                }
            }
            catch (ControlLogUnavailableException)
            {
                // It has not caught up, another coordinator was quicker, or etcd is away: the next look shows it.
            }
        }
    }

    /// <summary>The note beside the data; made where there is none.</summary>
    private MemberNote Own()
    {
        var found = Look(options);
        var note = found ?? MemberNote.New(options.Self);
        if (note.Address != options.Self.Address)
        {
            note = note with { Address = options.Self.Address, Founding = null };
        }

        if (note != found)
        {
            note.Write(options.NotePath);
        }

        return note;
    }

    /// <summary>Refuses data that is not this member's, and changes nothing.</summary>
    /// <returns>The note beside the data; null: there is none.</returns>
    /// <exception cref="StartRefusedException">It is another's, or at another address, or a part of it is lost.</exception>
    public static MemberNote? Look(MemberOptions options)
    {
        if (File.Exists(options.RestoringPath))
        {
            throw new StartRefusedException($"a restore into '{options.Folder}' was not finished. Remedy: give the same `dchat-server restore` again.");
        }

        var note = MemberNote.Read(options.NotePath);
        if (note is null)
        {
            return null;
        }

        if (note.Name != options.Self.Name)
        {
            throw new StartRefusedException($"'{options.Folder}' is the data of {note.Name}, and --node says {options.Self.Name}. Remedy: give each coordinator its own --data.");
        }

        if (note.Address != options.Self.Address && (note.HasRun || options.HasData))
        {
            throw new StartRefusedException(
                $"{note.Name} is a member at {note.Address}, and --peers says {options.Self.Address}: the others look for it where it was. Remedy: correct --peers; if the machine's address changed, remove '{options.Folder}', run `dchat-server member replace {options.Self}` while the others are up, and start this again.");
        }

        return !note.HasRun || options.HasData
            ? note
            : throw new StartRefusedException(
                $"the data of this cluster's member {options.Self.Name} is missing from '{options.Data}': a member that forgot what it confirmed could undo it. Remedy: put it back as it was when it stopped (not from a backup); if it is lost, remove '{options.Folder}', run `dchat-server member replace {options.Self}` while the others are up, and start this again.");
    }

    /// <summary>With data, etcd knows by itself whom it belongs to.</summary>
    private BeginStep Again() => new(string.Join(',', options.Peers.All.Select(peer => $"{peer.Name}={peer.Url}")), IsNew: true, Token: options.Self.Name);

    private async Task<BeginStep> BeginAsync(MemberNote note, CancellationToken cancellation)
    {
        await using var door = await OpenAsync(() => new FoundingOffer(note.Name, options.Peers.ToString(), note.Nonce, note.Founding), cancellation);
        using var calls = new PeerCalls(options);
        for (var refusals = 0; ;)
        {
            var answers = await Task.WhenAll(options.Peers.Without(options.Self).Select(peer => calls.AskAsync(peer, cancellation)));
            switch (MemberBeginning.Decide(options.Peers, options.Self, note, answers))
            {
                case BeginStep begin:
                    Begins(logger, options.Self.ToString(), begin.IsNew ? "with the others, a new cluster" : "as a member that was added");
                    return begin;
                case PromiseStep promise:
                    var promised = note with { Founding = promise.Founding };
                    promised.Write(options.NotePath);
                    note = promised;
                    continue;
                case RefuseStep refuse when ++refusals >= RefusalsMax:
                    throw new StartRefusedException($"{refuse.Problem}. Remedy: {refuse.Remedy}.");
                case RefuseStep:
                    break;
                case WaitStep wait:
                    refusals = 0;
                    Say(wait.Why);
                    break;
            }

            await Task.Delay(Pause, time, cancellation);
        }
    }

    private async Task<FoundingDoor> OpenAsync(Func<FoundingOffer> offer, CancellationToken cancellation)
    {
        try
        {
            return await FoundingDoor.OpenAsync(options, offer, cancellation);
        }
        catch (Exception failure) when (failure is IOException or SocketException)
        {
            throw new StartRefusedException(
                $"other members cannot be heard at {options.Self.Address}: {failure.GetBaseException().Message}. Remedy: give an address of this machine and a port that is free for {options.Self.Name} in --peers; where the others reach it by an address that it does not have itself, give --node-host '*'.", failure);
        }
    }

    private async Task AgreeAsync(MemberProcess process, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                await membership.AgreeAsync(cancellation);
                process.WasReady();
                return;
            }
            catch (ControlLogUnavailableException failure)
            {
                Say($"more than half of the members must be up ({options.Peers}), and this one have caught up with them: {failure.Message}");
            }

            if (await Task.WhenAny(process.Completion, Task.Delay(Pause, time, cancellation)) == process.Completion)
            {
                await process.Completion;
            }

            cancellation.ThrowIfCancellationRequested();
        }
    }

    /// <summary>What <c>--peers</c> says is only looked at when a cluster begins; that it says something else now is told.</summary>
    private async Task CompareAsync(CancellationToken cancellation)
    {
        try
        {
            var there = await membership.ListAsync(cancellation);
            Runs(logger, string.Join(", ", there.Select(member => $"{(member.Name.Length > 0 ? member.Name : "not started")} at {string.Join(' ', member.PeerUrls)}")));
            foreach (var peer in options.Peers.All.Where(peer => !there.Any(member => member.PeerUrls.Contains(peer.Url, StringComparer.OrdinalIgnoreCase))))
            {
                Elsewhere(logger, peer.ToString(), there.FirstOrDefault(member => member.Name == peer.Name) is { } moved ? $"it is at {string.Join(' ', moved.PeerUrls)} now" : "nobody of that name has run yet");
            }
        }
        catch (ControlLogUnavailableException)
        {
            // It had a majority a moment ago; this was for people only.
        }
    }

    private void Say(string what)
    {
        if (_said.At == 0 || _said.What != what && time.GetElapsedTime(_said.At) > TimeSpan.FromSeconds(1) || time.GetElapsedTime(_said.At) > SayAgainAfter)
        {
            _said = (what, time.GetTimestamp());
            Waits(logger, what);
        }
    }

    [LoggerMessage(2680, LogLevel.Information, "waiting for the control log: {What}")]
    private static partial void Waits(ILogger logger, string what);

    [LoggerMessage(2681, LogLevel.Information, "etcd member {Member} begins {How}")]
    private static partial void Begins(ILogger logger, string member, string how);

    [LoggerMessage(2682, LogLevel.Information, "the control log has a majority; its members: {Members}")]
    private static partial void Runs(ILogger logger, string members);

    [LoggerMessage(2684, LogLevel.Information, "etcd member {Member} at {Address} has caught up, and votes from now on")]
    private static partial void Votes(ILogger logger, string member, string address);

    [LoggerMessage(2683, LogLevel.Warning, "--peers says {Peer}, and the cluster has no member there: {Why}. All goes on by what the cluster has; add it with `dchat-server member replace`, or correct --peers before the next start")]
    private static partial void Elsewhere(ILogger logger, string peer, string why);
}
