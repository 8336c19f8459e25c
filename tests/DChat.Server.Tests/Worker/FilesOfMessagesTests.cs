using DChat.Core.Blobs;
using DChat.Core.Messages;
using DChat.Protocol;
using DChat.Server.Tests.Contract;
using DChat.Server.Worker.Calls;
using DChat.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace DChat.Server.Tests.Worker;

/// <summary>Messages with files, while those are looked up slowly, or not at all.</summary>
public sealed class FilesOfMessagesTests(FilesOfMessagesTests.SlowFiles server) : IClassFixture<FilesOfMessagesTests.SlowFiles>
{
    [Fact]
    public async Task Only_what_the_connection_sends_to_the_same_room_waits_for_them()
    {
        await using var ann = await server.PersonAsync();
        var (one, other) = (await ann.MakeRoomAsync(), await ann.MakeRoomAsync());
        server.Files.Found = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var withFile = ann.Hub.BeginCall("send", new { room = one, clientId = "file", body = "look", files = new[] { "f" } });
        var behind = ann.Hub.BeginCall("send", new { room = one, clientId = "behind", body = "there" });
        Assert.Equal(1, (long)(await ann.Hub.CallAsync("send", new { room = other, clientId = "other", body = "elsewhere" }))!["seq"]!);
        Assert.False(withFile.IsCompleted || behind.IsCompleted);

        server.Files.Found.SetResult();
        Assert.Equal((1, 2), ((long)(await withFile.Within())!["seq"]!, (long)(await behind.Within())!["seq"]!));
    }

    [Fact]
    public async Task While_they_cannot_be_looked_up_a_repeat_has_its_answer_and_what_is_new_is_to_be_tried_again()
    {
        await using var ann = await server.PersonAsync();
        var room = await ann.MakeRoomAsync();
        var sent = await ann.Hub.CallAsync("send", new { room, clientId = "once", body = "look", files = new[] { "f" } });
        server.Files.Fault = new BlobStoreUnavailableException("the test says so");
        try
        {
            var again = await ann.Hub.CallAsync("send", new { room, clientId = "once", body = "look", files = new[] { "f" } });
            Assert.Equal(sent!.ToJsonString(), again!.ToJsonString());
            await ann.Hub.RefusesAsync(ErrorCodes.Unavailable, "send", new { room, clientId = "twice", body = "look", files = new[] { "f" } });
        }
        finally
        {
            server.Files.Fault = null;
        }
    }

    public sealed class SlowFiles : ContractServer
    {
        internal HeldFiles Files { get; } = new();

        protected override void Adjust(WebApplicationBuilder builder) => builder.Services.AddSingleton<IRoomFiles>(Files);
    }

    internal sealed class HeldFiles : IRoomFiles
    {
        public TaskCompletionSource? Found { get; set; }

        public Exception? Fault { get; set; }

        public async Task<AttachedFile?> FindAsync(string room, string user, string id, CancellationToken cancellation)
        {
            await (Found?.Task ?? Task.CompletedTask).WaitAsync(cancellation);
            return Fault is { } fault ? throw fault : new AttachedFile(id, "f.txt", 1, "text/plain");
        }
    }
}
