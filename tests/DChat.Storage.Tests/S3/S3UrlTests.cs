using DChat.Storage.S3;

namespace DChat.Storage.Tests.S3;

public sealed class S3UrlTests
{
    [Fact]
    public void A_bucket_alone_is_AWS_as_the_machine_is_set_up()
    {
        var url = S3Url.Parse("s3://chat-blobs");

        Assert.Equal(("chat-blobs", "", null, null, false), (url.Bucket, url.Prefix, url.Region, url.Endpoint, url.PathStyle));
        Assert.Equal((S3Encryption.Bucket, true, 8 << 20, 4), (url.Encryption, url.PresignsDownloads, url.PartBytes, url.PartsAtOnce));
        Assert.Equal("s3://chat-blobs", url.Place);
    }

    [Fact]
    public void Everything_can_be_said()
    {
        var url = S3Url.Parse(
            "s3://chat/a/b/?endpoint=https://s3.example:9000&region=eu-1&path-style=false&profile=p&encryption=aws:kms&kms-key=alias%2Fk&downloads=server&part-size=16&parts-at-once=2");

        Assert.Equal(("a/b/", "eu-1", new Uri("https://s3.example:9000"), false, "p"), (url.Prefix, url.Region, url.Endpoint, url.PathStyle, url.Profile));
        Assert.Equal((S3Encryption.Kms, "alias/k", false, 16 << 20, 2), (url.Encryption, url.KmsKey, url.PresignsDownloads, url.PartBytes, url.PartsAtOnce));
        Assert.Equal("s3://chat/a/b", url.Place);
        Assert.True(S3Url.Parse("s3://chat?endpoint=http://127.0.0.1:9000&region=x").PathStyle);
    }

    [Theory]
    [InlineData("s3://", "no bucket's name")]
    [InlineData("s3://ab", "no bucket's name")]
    [InlineData("s3://Chat", "no bucket's name")]
    [InlineData("s3://chat/a//b", "a prefix is")]
    [InlineData("s3://chat/../b", "a prefix is")]
    [InlineData("s3://chat/a b", "a prefix is")]
    [InlineData("s3://chat?colour=red", "unknown parameter \"colour\"")]
    [InlineData("s3://chat?region=", "region is empty")]
    [InlineData("s3://chat?endpoint=s3.example&region=x", "endpoint is an address")]
    [InlineData("s3://chat?endpoint=https://s3.example/path&region=x", "endpoint is an address")]
    [InlineData("s3://chat?endpoint=ftp://s3.example&region=x", "endpoint is an address")]
    [InlineData("s3://chat?endpoint=https://s3.example", "needs region")]
    [InlineData("s3://chat?path-style=yes", "path-style is true or false")]
    [InlineData("s3://chat?downloads=no", "downloads is redirect or server")]
    [InlineData("s3://chat?encryption=yes", "encryption is AES256 or aws:kms")]
    [InlineData("s3://chat?kms-key=k", "kms-key needs encryption")]
    [InlineData("s3://chat?encryption=AES256&kms-key=k", "kms-key needs encryption")]
    [InlineData("s3://chat?part-size=4", "part-size is a whole number from 5 to 256, in MiB")]
    [InlineData("s3://chat?parts-at-once=0", "parts-at-once is a whole number")]
    [InlineData("https://chat", "does not begin with")]
    public void What_is_wrong_is_said(string text, string problem) =>
        Assert.Contains(problem, Assert.Throws<FormatException>(() => S3Url.Parse(text)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("s3://AKIA:hidden@chat")]
    [InlineData("s3://hidden@chat/a")]
    [InlineData("s3://AKIA:hidden")]
    [InlineData("s3://AKIA:hid/hidden/a")]
    [InlineData("s3://chat?secret=hidden")]
    [InlineData("s3://chat?region=x&secret-access-key=hidden")]
    [InlineData("s3://chat?region=x&endpoint=https://me:hidden@s3.example")]
    [InlineData("s3://chat?token=hidden&region=x")]
    [InlineData("s3://chat?anything=hidden")]
    [InlineData("s3://AKIA%3Ahidden%40chat")]
    [InlineData("s3://chat?region=x&endpoint=https%3A%2F%2Fme%3Ahidden%40s3.example")]
    public void Credentials_in_a_URL_are_refused_and_not_repeated(string text)
    {
        var error = Assert.Throws<FormatException>(() => S3Url.Parse(text));

        Assert.DoesNotContain("hidden", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", S3Url.Mask(text), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("s3://chat/a?region=eu-1&kms-key=alias/k")]
    [InlineData("s3://chat")]
    [InlineData("postgres://a:b@c/d")]
    public void What_is_no_secret_is_shown(string text) => Assert.Equal(text, S3Url.Mask(text));
}
