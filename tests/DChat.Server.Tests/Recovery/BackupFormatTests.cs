using System.Text;
using DChat.Core.Messages;
using DChat.Core.Registry;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Snapshots;
using DChat.Server.Recovery.Backups;
using DChat.Server.Tests.Coordinator;
using DChat.TestKit;

namespace DChat.Server.Tests.Recovery;

/// <summary>The bytes of a backup: whole or refused, and closed to whoever has not the secret.</summary>
public sealed class BackupFormatTests
{
    private const string Body = "this-is-a-very-recognizable-message";
    private static readonly byte[] FileContent = Encoding.ASCII.GetBytes("this-is-a-very-recognizable-file");
    private static readonly ClusterSecret Secret = SecretOf("one");

    [Theory]
    [InlineData(0)]
    [InlineData(3_000)]
    public async Task What_is_written_is_read_back(int messages)
    {
        var registry = SnapshotStoreTests.Registry(20);
        var noise = new byte[200_000];
        new Random(7).NextBytes(noise);
        var bytes = await MakeAsync(registry, messages, noise);
        var taken = new Taken();
        var end = await BackupReader.ReadAsync(new MemoryStream(bytes), Secret, DateTimeOffset.UnixEpoch, taken, default);
        Assert.Equal(new BackupEnd(1, messages, 2, noise.Length + FileContent.Length, registry.Index), end);
        Assert.Equal(messages, taken.Pieces.OfType<RoomMessages>().Sum(piece => piece.Messages.Count));
        Assert.Equal(RegistrySnapshot.StateHash(registry), RegistrySnapshot.StateHash(taken.Registry!));
        Assert.Equal([FileContent, noise], [taken.Blobs["files/a/1/content"], taken.Blobs["files/a/2/content"]]);
        var message = Assert.IsType<RoomHead>(taken.Pieces[0]);
        Assert.Equal(new RoomHead("a", messages, messages, 5, 0, 0), message);
        if (messages > 0)
        {
            var last = taken.Pieces.OfType<RoomMessages>().Last().Messages[^1];
            Assert.Equal(("ann", Body, 3L, 4L), (last.Message.Author, last.Message.Body, last.Message.ReplyTo, last.Message.EditedAt));
            Assert.Equal(new Reaction("👍", 2, ["bob", "eve"]).Users, last.Message.Reactions[0].Users);
            Assert.Equal(["bob"], last.Mentions);
        }

        Assert.Equal(new ArchivedAnswer("ann", "c1", 1, 1, 5), Assert.Single(taken.Pieces.OfType<RoomAnswers>()).Answers[0]);
        Assert.Equal(new ArchivedMark("bob", 1), Assert.Single(taken.Pieces.OfType<RoomMarks>()).Marks[0]);
        Assert.Equal(new ArchivedReaction(1, "bob", "👍", 2), Assert.Single(taken.Pieces.OfType<RoomReactions>()).Reactions[0]);
    }

    [Fact]
    public async Task Every_cut_is_refused_and_so_is_what_was_added()
    {
        var good = await MakeAsync(SnapshotStoreTests.Registry(3), 2);
        for (var length = 0; length < good.Length; length++)
        {
            await RefusedAsync(good[..length]);
        }

        await RefusedAsync([.. good, 0]);
        await RefusedAsync([.. good, .. good]);
    }

    [Fact]
    public async Task Every_changed_byte_is_refused()
    {
        var good = await MakeAsync(SnapshotStoreTests.Registry(3), 2);
        var random = new Random(3);
        for (var at = 0; at < good.Length; at++)
        {
            var bad = good.ToArray();
            bad[at] ^= (byte)(1 << random.Next(8));
            await RefusedAsync(bad);
        }
    }

    [Fact]
    public async Task Chunks_that_are_left_out_or_swapped_are_refused()
    {
        var noise = new byte[400_000];
        new Random(7).NextBytes(noise);
        var good = await MakeAsync(SnapshotStoreTests.Registry(3), 2, noise);
        const int Chunk = 4 + SnapshotSeal.ChunkBytes + SnapshotSeal.TagBytes;
        var (header, first, second) = (good[..SnapshotSeal.HeaderBytes(SealKind.Backup.Version)], good[SnapshotSeal.HeaderBytes(SealKind.Backup.Version)..][..Chunk], good[SnapshotSeal.HeaderBytes(SealKind.Backup.Version)..][Chunk..(2 * Chunk)]);
        var rest = good[(SnapshotSeal.HeaderBytes(SealKind.Backup.Version) + 2 * Chunk)..];
        Assert.True(rest.Length > 2 * Chunk);
        await RefusedAsync([.. header, .. second, .. first, .. rest]);
        await RefusedAsync([.. header, .. first, .. rest]);
        await RefusedAsync([.. header, .. first, .. first, .. rest]);
        await RefusedAsync(good[..(SnapshotSeal.HeaderBytes(SealKind.Backup.Version) + 2 * Chunk)]);
    }

    [Fact]
    public async Task Another_secret_is_named_as_the_reason_and_a_snapshot_is_no_backup()
    {
        var good = await MakeAsync(SnapshotStoreTests.Registry(3), 2);
        var refusal = await Assert.ThrowsAsync<InvalidDataException>(() => BackupReader.ReadAsync(new MemoryStream(good), SecretOf("another"), DateTimeOffset.UnixEpoch, new Taken(), default));
        Assert.Contains("another cluster secret", refusal.Message, StringComparison.Ordinal);

        var snapshot = new MemoryStream();
        using (var sealing = new SealingStream(snapshot, SealKind.Snapshot, Secret, 1, 1, DateTimeOffset.UnixEpoch))
        {
            RegistrySnapshot.Write(RegistryState.Empty, sealing);
        }

        refusal = await RefusedAsync(snapshot.ToArray());
        Assert.Contains("not a backup", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_the_secret_a_backup_tells_nothing()
    {
        var noise = new byte[64 * 1024];
        new Random(7).NextBytes(noise);
        var (registry, hashes, keys) = SnapshotStoreTests.Secretive();
        var bytes = await MakeAsync(registry, 50, noise);
        var unsealed = Trace.Unsealed(bytes, Secret);
        Assert.Equal((true, true, true), (Trace.IsIn(unsealed, noise), Trace.IsIn(unsealed, hashes), Trace.IsIn(unsealed, keys)));
        Assert.Equal((false, false, false), (Trace.IsIn(bytes, noise), Trace.IsIn(bytes, hashes), Trace.IsIn(bytes, keys)));
        var again = await MakeAsync(registry, 50, noise);
        Assert.False(Trace.IsIn(bytes.AsSpan(SnapshotSeal.HeaderBytes(SealKind.Backup.Version)), again.AsSpan(SnapshotSeal.HeaderBytes(SealKind.Backup.Version))), "the same once more is sealed with another key");
    }

    [Fact]
    public async Task One_that_was_not_finished_is_refused_wherever_it_ended()
    {
        var output = new MemoryStream();
        var noise = new byte[200_000];
        new Random(7).NextBytes(noise);
        using (var writer = new BackupWriter(output, Secret, DateTimeOffset.UnixEpoch, "1.0"))
        {
            writer.Write(new RoomHead("a", 1, 1, 5, 0, 0));
            writer.Write(SnapshotStoreTests.Registry(3));
            await writer.WriteAsync("files/a/1/content", new MemoryStream(noise), default);
        }

        Assert.True(output.Length > SnapshotSeal.ChunkBytes);
        await RefusedAsync(output.ToArray());
    }

    private static async Task<byte[]> MakeAsync(RegistryState registry, int messages, byte[]? noise = null)
    {
        var output = new MemoryStream();
        using var writer = new BackupWriter(output, Secret, DateTimeOffset.UnixEpoch, "1.0");
        writer.Write(new RoomHead("a", messages, messages, 5, 0, 0));
        foreach (var some in Enumerable.Range(1, messages).Chunk(RoomPieces.Rows))
        {
            writer.Write(new RoomMessages([.. some.Select(i => new ArchivedMessage(
                new Message(i, i, MessageKind.Text, "ann", $"c{i}", 5, Body, 3, 4, null, [new AttachedFile("f", "n", 1, "t/t")], [new Reaction("👍", 2, ["bob", "eve"])], []),
                ["bob"]))]));
        }

        writer.Write(new RoomAnswers([new ArchivedAnswer("ann", "c1", 1, 1, 5)]));
        writer.Write(new RoomReactions([new ArchivedReaction(1, "bob", "👍", 2)]));
        writer.Write(new RoomMarks([new ArchivedMark("bob", 1)]));
        writer.Write(registry);
        await writer.WriteAsync("files/a/1/content", new MemoryStream(FileContent), default);
        await writer.WriteAsync("files/a/2/content", new MemoryStream(noise ?? []), default);
        writer.Finish();
        return output.ToArray();
    }

    private static Task<InvalidDataException> RefusedAsync(byte[] bytes) =>
        Assert.ThrowsAsync<InvalidDataException>(() => BackupReader.ReadAsync(new MemoryStream(bytes), Secret, DateTimeOffset.UnixEpoch, new Taken(), default).Within());

    private static ClusterSecret SecretOf(string text) =>
        ClusterSecret.Parse(Convert.ToBase64String(System.Security.Cryptography.SHA256.HashData(Encoding.ASCII.GetBytes(text))), "a test");

    private sealed class Taken : IBackupVisitor
    {
        public List<RoomPiece> Pieces { get; } = [];

        public Dictionary<string, byte[]> Blobs { get; } = [];

        public RegistryState? Registry { get; private set; }

        public void TakeRegistry(RegistryState registry) => Registry = registry;

        public Task TakePieceAsync(RoomPiece piece, CancellationToken cancellation)
        {
            Pieces.Add(piece);
            return Task.CompletedTask;
        }

        public async Task TakeBlobAsync(string name, Stream content, CancellationToken cancellation)
        {
            var copy = new MemoryStream();
            await content.CopyToAsync(copy, cancellation);
            Blobs[name] = copy.ToArray();
        }
    }
}
