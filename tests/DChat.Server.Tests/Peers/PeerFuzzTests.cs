using DChat.Core.Messages;
using DChat.Protocol;
using DChat.Server.Nodes;
using DChat.Server.Worker.Host;
using DChat.Server.Worker.Peers;
using DChat.TestKit;
using Xunit.Abstractions;
using AttachedFile = DChat.Core.Messages.AttachedFile;
using MessageKind = DChat.Core.Messages.MessageKind;
using React = DChat.Core.Messages.React;

namespace DChat.Server.Tests.Peers;

/// <summary>Whatever comes over a link is read as what was written, or refused as damaged, and nothing else happens.</summary>
public sealed class PeerFuzzTests(ITestOutputHelper output)
{
    private const int Tries = 20_000;

    private static readonly RoomChange[] Changes =
    [
        new PostMessage("ann", "c-1", 1_700_000_000_000, MessageKind.Action, "héllo 👋", 7, [new AttachedFile("f", "a.png", 12, "image/png")], ["ben", "cat"]),
        new EditMessage("ann", "c-2", 1, 3, "", []),
        new DeleteMessage("ann", "c-3", 0, 4, AsModerator: true),
        new React("ann", "c-4", 5, 6, "👍", On: false),
    ];

    private static readonly ChangeOutcome[] Outcomes =
    [
        ChangeOutcome.Of(new ChangeAnswer(1, 2, 3)),
        ChangeOutcome.Failed(new HubError(ErrorCodes.SlowMode, "slowly", 1_500)),
        ChangeOutcome.Moved,
        ChangeOutcome.StoreAway,
    ];

    [Fact]
    public void Changes_and_outcomes_are_read_as_they_were_written()
    {
        foreach (var change in Changes)
        {
            var from = new PayloadReader(Bytes(change));
            Assert.Equivalent(change, ChangeCodec.ReadChange(ref from), strict: true);
            Assert.True(from.IsAtEnd);
        }

        foreach (var outcome in Outcomes)
        {
            var from = new PayloadReader(Bytes(outcome));
            var read = ChangeCodec.ReadOutcome(ref from);
            Assert.Equal((outcome.End, outcome.Answer, outcome.Error), (read.End, read.Answer, read.Error));
            Assert.True(from.IsAtEnd);
        }
    }

    [Fact]
    public void What_is_damaged_is_refused_and_nothing_else()
    {
        var random = new Random(Seed.Print(output));
        var written = Changes.Select(Bytes).Concat(Outcomes.Select(outcome => Bytes(outcome))).ToArray();
        for (var i = 0; i < Tries; i++)
        {
            var damaged = Damage(written[random.Next(written.Length)], random);
            try
            {
                var change = new PayloadReader(damaged);
                ChangeCodec.ReadChange(ref change);
            }
            catch (InvalidDataException)
            {
                // As it should be.
            }

            try
            {
                var outcome = new PayloadReader(damaged);
                ChangeCodec.ReadOutcome(ref outcome);
            }
            catch (InvalidDataException)
            {
                // As it should be.
            }
        }
    }

    private static byte[] Damage(byte[] bytes, Random random)
    {
        var damaged = bytes[..random.Next(bytes.Length + 1)].ToArray();
        for (var n = random.Next(4); n > 0 && damaged.Length > 0; n--)
        {
            damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
        }

        return damaged;
    }

    private static byte[] Bytes(RoomChange change)
    {
        var to = new PayloadWriter();
        ChangeCodec.Write(to, change);
        return to.Written.ToArray();
    }

    private static byte[] Bytes(ChangeOutcome outcome)
    {
        var to = new PayloadWriter();
        ChangeCodec.Write(to, outcome);
        return to.Written.ToArray();
    }
}
