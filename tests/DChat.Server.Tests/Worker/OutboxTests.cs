using System.IO.Pipelines;
using System.Text;
using DChat.Server.Worker.Hub;
using DChat.Server.Worker.Transport;

namespace DChat.Server.Tests.Worker;

public sealed class OutboxTests
{
    [Fact]
    public async Task Nothing_goes_before_the_answer_to_the_handshake()
    {
        var pipe = new Pipe();
        var outbox = new Outbox(pipe.Writer, new OutboxBudget(1_000_000, 1_000_000, () => { }));

        // A keep-alive sweep, or news to all of a user's connections, may come in between.
        outbox.WriteDroppable(HubText.PingFrame);
        outbox.WriteFrame(HubText.PingFrame);
        outbox.WriteRecord(HubText.HandshakeAnswer);
        outbox.Open();
        outbox.WriteDroppable(HubText.PingFrame);

        await outbox.CloseAsync(null, []).WaitAsync(TestKit.Eventually.DefaultLimit);
        var written = await pipe.Reader.ReadAsync().AsTask().WaitAsync(TestKit.Eventually.DefaultLimit);
        var text = Encoding.UTF8.GetString(written.Buffer);
        Assert.StartsWith("{}", text[2..], StringComparison.Ordinal);
        Assert.Equal(text.IndexOf("\"type\":6", StringComparison.Ordinal), text.LastIndexOf("\"type\":6", StringComparison.Ordinal));
        Assert.Contains("\"type\":6", text, StringComparison.Ordinal);
    }
}
