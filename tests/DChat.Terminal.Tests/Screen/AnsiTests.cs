using DChat.Terminal.Screen;

namespace DChat.Terminal.Tests.Screen;

public sealed class AnsiTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_terminal_that_orders_text_by_itself_is_told_not_to_and_may_again_afterwards(bool plain)
    {
        Assert.Contains("\e[8l", Ansi.Enter(mouse: true, plain), StringComparison.Ordinal);
        Assert.Contains("\e[8h", Ansi.Leave(plain), StringComparison.Ordinal);
    }
}
