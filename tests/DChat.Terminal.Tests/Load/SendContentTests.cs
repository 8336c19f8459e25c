using DChat.Terminal.Load;

namespace DChat.Terminal.Tests.Load;

public sealed class SendContentTests
{
    private readonly SendContent _content = new("run1", bodyBytes: 80, seed: 1);

    [Theory]
    [InlineData(0, 0)]
    [InlineData(19_999, 49_999_999)]
    public void What_was_sent_is_recognized(int sender, int number)
    {
        var (clientId, body) = Write(_content, sender, number);

        Assert.True(_content.TryRecognize(clientId, body, out var foundSender, out var foundNumber));
        Assert.Equal((sender, number), (foundSender, foundNumber));
    }

    [Fact]
    public void An_altered_body_is_not_recognized()
    {
        var (clientId, body) = Write(_content, 1, 2);
        body[40] ^= 1;

        Assert.False(_content.TryRecognize(clientId, body, out _, out _));
    }

    [Fact]
    public void Another_runs_message_is_not_recognized()
    {
        var (clientId, body) = Write(new SendContent("run2", 80, 1), 1, 2);

        Assert.False(_content.TryRecognize(clientId, body, out _, out _));
    }

    private static (byte[] ClientId, byte[] Body) Write(SendContent content, int sender, int number)
    {
        var clientId = new byte[SendContent.ClientIdMax];
        var body = new byte[content.BodyBytes];
        content.WriteBody(body, sender, number);
        return (clientId[..content.WriteClientId(clientId, sender, number)], body);
    }
}
