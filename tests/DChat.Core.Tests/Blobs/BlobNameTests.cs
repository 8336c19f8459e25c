using DChat.Core.Blobs;

namespace DChat.Core.Tests.Blobs;

public sealed class BlobNameTests
{
    [Theory]
    [InlineData("a")]
    [InlineData("snapshots/000001-x.bin")]
    [InlineData("A.b_c-9")]
    public void A_name_is_made_of_plain_segments(string name) => BlobName.Check(name);

    [Theory]
    [InlineData("")]
    [InlineData("/a")]
    [InlineData("a/")]
    [InlineData("a//b")]
    [InlineData("a/../b")]
    [InlineData(".")]
    [InlineData("a b")]
    [InlineData("ä")]
    [InlineData("a\\b")]
    public void Nothing_else_is_a_name(string name) => Assert.Throws<ArgumentException>(() => BlobName.Check(name));

    [Fact]
    public void Names_are_bounded()
    {
        Assert.Throws<ArgumentException>(() => BlobName.Check(new string('a', BlobName.SegmentLengthMax + 1)));
        Assert.Throws<ArgumentException>(() => BlobName.Check(string.Join('/', Enumerable.Repeat("abcdefg", 65))));
        Assert.Throws<ArgumentNullException>(() => BlobName.Check(null!));
    }

    [Fact]
    public void A_prefix_is_the_beginning_of_a_name()
    {
        BlobName.CheckPrefix("");
        BlobName.CheckPrefix("a/");
        BlobName.CheckPrefix("a/b.");
        Assert.Throws<ArgumentException>(() => BlobName.CheckPrefix("/"));
    }
}
