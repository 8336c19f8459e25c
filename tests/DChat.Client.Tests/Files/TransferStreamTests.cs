using System.IO.Pipelines;
using DChat.Client.Files;
using DChat.TestKit;

namespace DChat.Client.Tests.Files;

public sealed class TransferStreamTests
{
    [Fact]
    public async Task A_transfer_that_stands_still_is_given_up()
    {
        await using var stream = new TransferStream(new Pipe().Reader.AsStream(), TimeSpan.FromMilliseconds(1), TimeProvider.System);

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
