using DChat.Server.Worker.Joining;

namespace DChat.Server.Tests.Worker.Joining;

public sealed class RefusalGraceTests
{
    private static readonly SearchFailure Refused = new("not wanted", IsRefusal: true);
    private static readonly SearchFailure NotNow = new("not now", IsRefusal: false);

    [Fact]
    public void Who_is_refused_all_the_time_bears_it_for_a_while()
    {
        var time = new HandTime();
        var grace = new RefusalGrace(time);
        Assert.False(grace.IsOver(Refused));
        time.Now += RefusalGrace.Limit;
        Assert.False(grace.IsOver(Refused));
        time.Now += TimeSpan.FromMilliseconds(1);
        Assert.True(grace.IsOver(Refused));
    }

    [Fact]
    public void What_is_no_refusal_is_waited_out()
    {
        var time = new HandTime();
        var grace = new RefusalGrace(time);
        for (var i = 0; i < 100; i++)
        {
            time.Now += RefusalGrace.Limit;
            Assert.False(grace.IsOver(Refused));
            time.Now += RefusalGrace.Limit;
            Assert.False(grace.IsOver(NotNow));
        }
    }
}
