using System.IO.Pipelines;
using DChat.Client.Files;
using DChat.TestKit;

namespace DChat.Client.Tests.Files;

public sealed class TransferStreamTests
{
    [Fact]
    public async Task A_transfer_that_stands_still_is_given_up()
    {
        var silent = new Pipe();
        await silent.Writer.WriteAsync(new byte[3]);
        await using var stream = new TransferStream(silent.Reader.AsStream(), TimeSpan.FromMilliseconds(50), TimeProvider.System);

        Assert.Equal(3, await stream.ReadAsync(new byte[10]));
        var error = await Assert.ThrowsAsync<ChatException>(() => stream.ReadAsync(new byte[10]).AsTask().Within());

        Assert.Equal(ClientErrorCodes.Unreachable, error.Code);
    }

    [Fact]
    public async Task A_caller_who_gives_up_is_no_failure_of_the_network()
    {
        using var cancel = new CancellationTokenSource();
        await using var stream = new TransferStream(new Pipe().Reader.AsStream(), TransferStream.Patience, TimeProvider.System);
        var reading = stream.ReadAsync(new byte[10], cancel.Token).AsTask();
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.Within());
    }
}
