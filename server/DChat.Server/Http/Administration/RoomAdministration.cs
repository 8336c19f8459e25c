using System.Text.Json;
using DChat.Core.Messages;
using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Protocol;
using DChat.Server.Worker.Calls;
using DChat.Server.Worker.Hub;
using DChat.Server.Worker.Peers;

namespace DChat.Server.Http.Administration;

using Message = DChat.Core.Messages.Message;
using Room = DChat.Core.Registry.Room;

/// <summary>
/// All rooms, private and direct ones too, for administrators: where they are hosted and who owns them. What was said in them only by
/// an export, which leaves a line in the audit trail.
/// </summary>
internal sealed partial class RoomAdministration(RegistryWrites registry, IMessageStore store, RoomRoutes routes, DeletedRooms deleted, ILogger<RoomAdministration> log) : IApiEndpoints
{
    private const int OwnersShown = 20;
    private const string ExportType = "application/x-ndjson";

    public void Map(ApiRouter router)
    {
        router.Get("/api/admin/rooms", ApiAccess.Administrator, call => Task.FromResult(List(call)));
        router.Get("/api/admin/rooms/{room}", ApiAccess.Administrator, call =>
            Task.FromResult(ApiCall.Json(Describe(Find(call), withOwners: true), ProtocolJson.Wire.AdminRoom)));
        router.Post("/api/admin/rooms/{room}/move", ApiAccess.Administrator, MoveAsync);
        router.Delete("/api/admin/rooms/{room}", ApiAccess.Administrator, DeleteAsync);
        router.Get("/api/admin/rooms/{room}/export", ApiAccess.Administrator, ExportAsync);
    }

    private IResult List(ApiCall call)
    {
        var query = call.Context.Request.Query["query"].ToString();
        var (after, limit) = Pages.Read(call, "after");
        var found = registry.State.AllRooms((int)Math.Min(after ?? -1, int.MaxValue - 1))
            .Where(room => query.Length == 0 || room.Id == query || room.Name.Contains(query, StringComparison.OrdinalIgnoreCase))
            .Take(limit + 1)
            .ToList();
        var more = found.Count > limit;
        return ApiCall.Json(
            new AdminRooms([.. found.Take(limit).Select(room => Describe(room, withOwners: false))], Pages.Next(more, more ? found[limit - 1].Handle : 0)),
            ProtocolJson.Wire.AdminRooms);
    }

    private AdminRoom Describe(Room room, bool withOwners)
    {
        var state = registry.State;
        var host = state.HostOf(room);
        return new AdminRoom(
            room.Id,
            room.IsDirect ? string.Join(", ", state.MembersOf(room)) : room.Name,
            room.IsDirect ? "direct" : "room",
            room.Visibility == RoomVisibility.Private ? Visibilities.Private : Visibilities.Public,
            room.MemberCount,
            room.CreatedBy,
            room.CreatedAt,
            room.Archived,
            room.RetentionDays,
            host?.Worker,
            host?.Epoch ?? 0,
            withOwners ? [.. state.MembersPage(room, 0, OwnersShown).Where(member => member.Role == RoomRole.Owner).Select(member => member.User)] : null);
    }

    private async Task<IResult> MoveAsync(ApiCall call)
    {
        var room = Find(call);
        var request = await call.ReadAsync(ProtocolJson.Wire.MoveRoomRequest);
        if (registry.State.FindWorker(request.Worker ?? "") is not { } worker)
        {
            throw new ApiException(ErrorCodes.NotFound, "There is no such worker; `dchat-server worker list` shows them.");
        }

        await registry.CommitAsync(new AssignRooms(RegistryWrites.NewCommandId(), call.User, registry.Now, worker.Id, [room.Id]), call.Aborted);
        return Results.NoContent();
    }

    private async Task<IResult> DeleteAsync(ApiCall call)
    {
        var room = call.Route("room");
        try
        {
            room = Find(call).Id;
            await registry.CommitAsync(new DeleteRoom(RegistryWrites.NewCommandId(), call.User, registry.Now, room), call.Aborted);
        }
        catch (ApiException e) when (e.Code == ErrorCodes.NotFound)
        {
            Require(await deleted.CloseUnknownAsync(room));
            throw;
        }

        Require(await deleted.CloseAsync(room));
        return Results.NoContent();

        static void Require(bool isClosed)
        {
            if (!isClosed)
            {
                throw new ApiException(ErrorCodes.Unavailable, RegistryWrites.Sentence(DeletedRooms.NotClosedYet));
            }
        }
    }

    private async Task<IResult> ExportAsync(ApiCall call)
    {
        var room = Find(call);
        await registry.CommitAsync(new NoteExport(RegistryWrites.NewCommandId(), call.User, registry.Now, room.Id), call.Aborted);
        return Results.Stream(
            async output =>
            {
                try
                {
                    await WriteAsync(room.Id, output, call.Aborted);
                }
                catch (MessageStoreUnavailableException failure)
                {
                    BrokenOff(log, room.Id, failure.Message);
                    call.Context.Abort(); // Its status is long sent: who reads it finds that the last line is missing.
                }
            },
            ExportType);
    }

    /// <summary>
    /// A message a line, oldest first, as clients are shown them, and a last line that counts them: whoever has it has all. What retention
    /// took is left out.
    /// </summary>
    /// <exception cref="MessageStoreUnavailableException">The room is being deleted, or the store that is read is behind: what was written is a part, and has no last line.</exception>
    private async Task WriteAsync(string room, Stream output, CancellationToken cancellation)
    {
        var last = Math.Max(await routes.ToldNewestSeqAsync(room), await NewestSeqAsync(room, cancellation));
        var (count, through) = (0L, 0L);
        for (var from = 1L; from <= last; from += MessageLimits.Page)
        {
            using var lines = new MemoryStream();
            foreach (var message in await ReadAsync(room, from, Math.Min(from + MessageLimits.Page, last + 1), cancellation))
            {
                await using (var json = new Utf8JsonWriter(lines, HubText.JsonOptions))
                {
                    MessageText.Write(json, message);
                }

                lines.WriteByte((byte)'\n');
                (count, through) = (count + 1, message.Seq);
            }

            lines.Position = 0;
            await lines.CopyToAsync(output, cancellation);
        }

        if (through < last && !await IsAllRemovedAsync(room, cancellation))
        {
            throw new MessageStoreUnavailableException($"it ended at message {through} of {last}: the room is being deleted, or the store is behind");
        }

        await output.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(new ExportEnd("export", count, last), ProtocolJson.Wire.ExportEnd), cancellation);
        await output.WriteAsync("\n"u8.ToArray(), cancellation);
    }

    private async Task<long> NewestSeqAsync(string room, CancellationToken cancellation) =>
        (await store.ReadBeforeAsync(room, null, 1, null, cancellation)).Messages is [var newest, ..] ? newest.Seq : 0;

    /// <summary>Retention took even the newest, of a room that is there.</summary>
    private async Task<bool> IsAllRemovedAsync(string room, CancellationToken cancellation) =>
        await NewestSeqAsync(room, cancellation) == 0 && (await store.ReadEpochsAsync([room], cancellation))[0] < long.MaxValue && registry.State.FindRoom(room) is not null;

    /// <summary>All messages from one up to another, which stands no more among them. They may come in several pages.</summary>
    private async Task<List<Message>> ReadAsync(string room, long from, long before, CancellationToken cancellation)
    {
        var messages = new List<Message>();
        for (var more = true; more && from < before;)
        {
            var page = await store.ReadBeforeAsync(room, before, (int)(before - from), null, cancellation);
            messages.InsertRange(0, page.Messages.Where(message => message.Seq >= from));
            (before, more) = page.Messages is [var oldest, ..] ? (oldest.Seq, page.More) : (from, false);
        }

        return messages;
    }

    private Room Find(ApiCall call) =>
        registry.State.FindRoom(call.Route("room")) ?? registry.State.FindPublicRoom(call.Route("room"))
        ?? throw new ApiException(ErrorCodes.NotFound, $"There is no room {call.Route("room")}: give its id, or a public room's name.");

    [LoggerMessage(2710, LogLevel.Warning, "the export of room {Room} was broken off: {Why}")]
    private static partial void BrokenOff(ILogger log, string room, string why);
}
