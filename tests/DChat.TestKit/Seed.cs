using System.Globalization;
using Xunit.Abstractions;

namespace DChat.TestKit;

/// <summary>The seed of a random test: printed, and taken from <c>DCHAT_TEST_SEED</c> to play a failure again.</summary>
public static class Seed
{
    public static int Print(ITestOutputHelper output)
    {
        var given = Environment.GetEnvironmentVariable("DCHAT_TEST_SEED");
        var seed = given is null ? Random.Shared.Next() : int.Parse(given, CultureInfo.InvariantCulture);
        output.WriteLine($"seed: DCHAT_TEST_SEED={seed}");
        return seed;
    }
}
