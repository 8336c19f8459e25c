namespace DChat.TestKit;

/// <summary><c>make test-long</c>: the same tests with more rounds.</summary>
public static class LongTests
{
    public static bool Wanted { get; } = Environment.GetEnvironmentVariable("DCHAT_TEST_LONG") is "1";

    public static T Pick<T>(T usual, T @long) => Wanted ? @long : usual;
}
