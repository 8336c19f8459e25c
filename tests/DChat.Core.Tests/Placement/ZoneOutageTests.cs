using DChat.Core.Placement;

namespace DChat.Core.Tests.Placement;

public sealed class ZoneOutageTests
{
    [Fact]
    public void A_zone_fails_when_most_of_its_workers_died() =>
        Assert.Equal(["a"], ZoneOutage.Of([("a", true), ("a", true), ("a", false), ("b", true), ("b", false), ("", true)]));

    [Fact]
    public void One_worker_that_died_says_nothing_of_its_zone() =>
        Assert.Empty(ZoneOutage.Of([("a", true), ("b", true), ("b", false)]));

    [Theory]
    [InlineData("zone=eu-1a", "eu-1a")]
    [InlineData("zone=", "")]
    [InlineData("zones=x", "")]
    public void The_label_names_it(string label, string zone) => Assert.Equal(zone, ZoneOutage.ZoneOf(["disk=fast", label]));
}
