using DChat.Protocol;

namespace DChat.Protocol.Tests;

public sealed class HubErrorTests
{
    [Theory]
    [InlineData("An unexpected error occurred invoking 'Send' on the server. HubException: not_member: join the room first", "not_member", null)]
    [InlineData("An unexpected error occurred invoking 'send' on the server. HubException: slow_mode retryAfterMs=1500: slow down", "slow_mode", 1500L)]
    public void The_code_is_taken_out_of_what_a_SignalR_client_reports(string text, string code, long? retryAfterMs)
    {
        var error = HubError.TryParse(text);
        Assert.Equal(code, error?.Code);
        Assert.Equal(retryAfterMs, error?.RetryAfterMs);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("Failed to invoke 'nope' due to an error on the server. HubException: Method does not exist.")]
    [InlineData("Failed to invoke 'send' due to an error on the server. InvalidDataException: Error binding arguments.")]
    [InlineData("HubException: slow_mode retryAfterMs=: x")]
    public void A_failure_without_a_code_has_none(string? text) => Assert.Null(HubError.TryParse(text));

    [Fact]
    public void What_is_formatted_is_parsed_again()
    {
        foreach (var error in new[] { new HubError(ErrorCodes.Unavailable, "a: b"), new HubError(ErrorCodes.RateLimited, "wait", 7) })
        {
            Assert.Equal(error, HubError.TryParse("HubException: " + error.Format()));
        }
    }

    [Fact]
    public void Only_unavailable_and_rate_limited_are_worth_a_retry()
    {
        var codes = typeof(ErrorCodes).GetFields().Select(field => (string)field.GetRawConstantValue()!);
        Assert.Equal(["rate_limited", "unavailable"], codes.Where(ErrorCodes.IsRetryable).Order());
    }
}
