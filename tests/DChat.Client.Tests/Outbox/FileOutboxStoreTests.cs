using DChat.Client.Outbox;
using DChat.Protocol;
using DChat.TestKit;

namespace DChat.Client.Tests.Outbox;

public sealed class FileOutboxStoreTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task What_was_saved_and_not_removed_is_there_after_a_restart_in_its_order()
    {
        using (var store = Open())
        {
            Assert.Empty(await LoadAsync(store));
            foreach (var id in new[] { "z", "a", "m" })
            {
                await store.SaveAsync(Message(id), default).Within();
            }

            await store.RemoveAsync("a", default).Within();
            await store.RemoveAsync("never", default).Within();
        }

        using var next = Open();
        Assert.Equal(["z", "m"], await LoadAsync(next));
        await next.SaveAsync(Message("later"), default).Within();
        await next.RemoveAsync("z", default).Within();
        next.Dispose();
        using var last = Open();
        Assert.Equal(["m", "later"], await LoadAsync(last));
    }

    [Fact]
    public async Task A_message_comes_back_as_it_was()
    {
        var message = new SendRequest("room", "id", "täxt\n\"quoted\"", "action", 7, ["f1", "f2"]);
        using (var store = Open())
        {
            await store.SaveAsync(message, default).Within();
        }

        using var next = Open();
        var read = Assert.Single(await next.LoadAsync(default).Within());
        Assert.Equal(message with { Files = null }, read with { Files = null });
        Assert.Equal(message.Files, read.Files);
    }

    [Fact]
    public async Task The_messages_of_a_process_that_lives_are_left_to_it()
    {
        using var first = Open();
        await first.SaveAsync(Message("mine"), default).Within();
        using var second = Open();
        Assert.Empty(await LoadAsync(second));
        first.Dispose();
        using var third = Open();
        Assert.Equal(["mine"], await LoadAsync(third));
    }

    [Fact]
    public async Task Nobody_else_can_read_them()
    {
        using var store = Open();
        await store.SaveAsync(Message("secret"), default).Within();
        var file = Assert.Single(Directory.GetFiles(folder.Path, "*.json", SearchOption.AllDirectories));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        }
    }

    private FileOutboxStore Open() => new(Path.Combine(folder.Path, "outbox"));

    private static SendRequest Message(string id) => new("room", id, "text of " + id);

    private static async Task<IReadOnlyList<string?>> LoadAsync(FileOutboxStore store) =>
        [.. (await store.LoadAsync(default).Within()).Select(message => message.ClientId)];
}
