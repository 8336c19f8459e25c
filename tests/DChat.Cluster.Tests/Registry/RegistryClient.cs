using System.Diagnostics;
using System.Globalization;
using DChat.Core.Registry;
using DChat.Core.Rooms;

namespace DChat.Cluster.Tests.Registry;

/// <summary>One user who changes rooms and reads them, one call after the other.</summary>
internal sealed class RegistryClient(int number, string user, Gateway gateway, RoomsInUse rooms, RandomCommands commands, Random random, RegistryHistory history, LogAudit audit)
{
    /// <summary>The longest rest between two calls, in milliseconds.</summary>
    private const int RestMsMax = 150;

    /// <summary>One in so many commands that were not answered is left alone; the others are repeated with their ids.</summary>
    private const int LeftAloneOneIn = 3;

    /// <summary>One in so many answers is taken as lost on its way: the command is repeated, with its id, and what counts is the answer to that.</summary>
    private const int AnswerLostOneIn = 5;

    private static readonly TimeSpan CatchUpLimit = TimeSpan.FromSeconds(60);

    private long _seenIndex;
    private int _made;

    /// <summary>When the newest command was called that was answered, in Unix milliseconds.</summary>
    public long AnsweredMs { get; private set; }

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var room = rooms.Next(random, out var isNew);
            if (isNew)
            {
                await CallAsync(commands.Create(NextId(), user, room), stop);
            }
            else if (random.Next(4) > 0)
            {
                await CallAsync(commands.Next(NextId(), user, room), stop);
            }

            if (random.Next(2) == 0)
            {
                await ReadAsync(room);
            }

            await RestAsync(stop);
        }
    }

    /// <summary>Calls come at random moments.</summary>
    private async Task RestAsync(CancellationToken stop) => await Task.Delay(random.Next(RestMsMax), stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private string NextId() => string.Create(CultureInfo.InvariantCulture, $"{LogAudit.IdPrefix}{number}-{_made++}");

    private async Task CallAsync(Command command, CancellationToken stop)
    {
        var (from, fromMs) = (Stopwatch.GetTimestamp(), DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
        var answeredBefore = audit.Issue(command);
        var result = await gateway.Commands.SubmitAsync(command, CancellationToken.None);
        while (result.Outcome.Error == RefusalCodes.Unavailable && random.Next(LeftAloneOneIn) > 0 && !stop.IsCancellationRequested)
        {
            result = await gateway.Commands.SubmitAsync(command, CancellationToken.None);
        }

        if (random.Next(AnswerLostOneIn) == 0)
        {
            await RestAsync(stop);
            result = await gateway.Commands.SubmitAsync(command, CancellationToken.None);
        }

        var isAnswered = result.Outcome.Error != RefusalCodes.Unavailable;
        history.Add(number, RoomCall.Of(command), from, isAnswered ? Stopwatch.GetTimestamp() : null, isAnswered ? RoomText.Answer(result.Outcome) : "");
        if (isAnswered)
        {
            _seenIndex = Math.Max(_seenIndex, result.Index);
            AnsweredMs = fromMs;
            audit.Answered(command, result, answeredBefore);
        }
    }

    /// <summary>As a gateway answers: from its replica, which has what this client was answered before.</summary>
    private async Task ReadAsync(string room)
    {
        var from = Stopwatch.GetTimestamp();
        Assert.True(await gateway.Replica.WaitForAsync(_seenIndex, CatchUpLimit, CancellationToken.None), $"the gateway {gateway.Address} does not see entry {_seenIndex}, which was answered");
        var seen = RoomText.Read(gateway.Replica.State, room);
        history.Add(number, new RoomCall(room, null), from, Stopwatch.GetTimestamp(), seen);
    }
}
