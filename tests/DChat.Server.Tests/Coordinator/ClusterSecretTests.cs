using System.Security.Cryptography;
using System.Text;
using DChat.Server.Coordinator;
using DChat.TestKit;

namespace DChat.Server.Tests.Coordinator;

public sealed class ClusterSecretTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Path => _folder["cluster-secret"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_first_start_makes_a_private_secret_and_the_next_ones_load_it()
    {
        var made = ClusterSecret.LoadOrCreate(Path, mayCreate: true);
        var loaded = ClusterSecret.LoadOrCreate(Path, mayCreate: false);

        Assert.Equal("hello"u8.ToArray(), loaded.Open("test", made.Seal("test", "hello"u8)));
        Assert.Equal(32, Convert.FromBase64String(File.ReadAllText(Path).Trim()).Length);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path));
        }

        Assert.Single(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void A_secret_that_is_missing_where_a_cluster_is_refuses_the_start()
    {
        var error = Assert.Throws<StartRefusedException>(() => ClusterSecret.LoadOrCreate(Path, mayCreate: false));

        Assert.Contains("Remedy", error.Message);
        Assert.False(File.Exists(Path));
    }

    [Theory]
    [InlineData("")]
    [InlineData("not base64 at all!")]
    [InlineData("c2hvcnQ=")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public void Garbage_refuses_the_start(string content)
    {
        File.WriteAllText(Path, content);
        Private();

        var error = Assert.Throws<StartRefusedException>(() => ClusterSecret.LoadOrCreate(Path, mayCreate: true));

        Assert.Contains(Path, error.Message);
    }

    [Fact]
    public void A_secret_that_others_can_read_refuses_the_start()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        ClusterSecret.LoadOrCreate(Path, mayCreate: true);
        File.SetUnixFileMode(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);

        var error = Assert.Throws<StartRefusedException>(() => ClusterSecret.LoadOrCreate(Path, mayCreate: true));

        Assert.Contains("chmod 600", error.Message);
    }

    [Fact]
    public void What_is_sealed_opens_only_unchanged_for_its_purpose_and_with_its_secret()
    {
        var secret = ClusterSecret.LoadOrCreate(Path, mayCreate: true);
        var other = ClusterSecret.LoadOrCreate(_folder["other"], mayCreate: true);
        var content = Encoding.UTF8.GetBytes("a protection key");
        var @sealed = secret.Seal("keys", content);

        Assert.Equal(content, secret.Open("keys", @sealed));
        Assert.NotEqual(@sealed, secret.Seal("keys", content));
        Assert.ThrowsAny<CryptographicException>(() => secret.Open("files", @sealed));
        Assert.ThrowsAny<CryptographicException>(() => other.Open("keys", @sealed));
        Assert.ThrowsAny<CryptographicException>(() => secret.Open("keys", @sealed.AsSpan(0, 10)));
        for (var at = 0; at < @sealed.Length; at++)
        {
            var changed = @sealed.ToArray();
            changed[at] ^= 1;
            Assert.ThrowsAny<CryptographicException>(() => secret.Open("keys", changed));
        }
    }

    private void Private()
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
    }
}
