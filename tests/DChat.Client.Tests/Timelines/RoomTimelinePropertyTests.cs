using FsCheck;
using FsCheck.Fluent;

namespace DChat.Client.Tests.Timelines;

public sealed class RoomTimelinePropertyTests
{
    private static readonly Config Runs = Config.QuickThrowOnFailure.WithMaxTest(10_000).WithEndSize(300);

    [Theory]
    [InlineData(1_000)]
    [InlineData(3)]
    [InlineData(0)]
    public void Any_interleaving_repetition_and_loss_ends_in_the_servers_sequence_G3_G5(int backfillMax)
    {
        var runs = Arb.From(Gen.Choose(0, 1_000_000).ArrayOf(), Shorter);
        var property = Prop.ForAll(runs, choices =>
        {
            var simulation = new TimelineSimulation(backfillMax);
            foreach (var choice in choices)
            {
                simulation.Step(choice);
            }

            simulation.Finish();
        });

        // A failure prints the shrunk choices and the seed to replay.
        Check.One(Runs, property);
    }

    private static IEnumerable<int[]> Shorter(int[] choices)
    {
        for (var length = choices.Length / 2; length > 0; length /= 2)
        {
            for (var start = 0; start + length <= choices.Length; start += length)
            {
                yield return [.. choices[..start], .. choices[(start + length)..]];
            }
        }
    }
}
