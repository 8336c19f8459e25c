using DChat.Core.Blobs;
using DChat.Core.Messages;
using DChat.Core.Rooms;
using DChat.Protocol;
using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Server.Worker.Gateway;
using DChat.Server.Worker.Host;
using DChat.Server.Worker.Peers;
using MessageKind = DChat.Core.Messages.MessageKind;
using RoomHost = DChat.Server.Worker.Host.RoomHost;

namespace DChat.Server.Worker.Calls;

/// <summary>What is done with the messages of a room.</summary>
internal sealed class MessageCalls(
    RegistryReplica replica,
    RoomRoutes routes,
    IMessageStore store,
    IRoomFiles files,
    ReadMarks marks,
    SearchGate searches,
    LimitsOptions limits,
    TimeProvider time)
{
    private const int HistoryDefault = 50;
    private const int SearchDefault = 50;

    /// <summary>Queues a planned change, or answers why not. A repeat is answered before rights and limits are looked at.</summary>
    public void Submit(in ChangePlan plan, IChangeReceiver receiver)
    {
        if (plan.Error is null)
        {
            routes.Submit(plan.Room, plan.Change!, receiver);
        }
        else if (plan.Change is null)
        {
            receiver.Completed(ChangeOutcome.Failed(plan.Error));
        }
        else
        {
            routes.Refuse(plan.Room, plan.Change, plan.Error, receiver);
        }
    }

    public async Task<ChangeOutcome> SubmitAsync(ChangePlan plan)
    {
        if (plan.Prepare is not null)
        {
            plan = await plan.Prepare().ConfigureAwait(false);
        }

        var awaited = new AwaitedChange();
        Submit(plan, awaited);
        return await awaited.Outcome.ConfigureAwait(false);
    }

    public ChangePlan Send(Caller caller, SendRequest request)
    {
        if (CheckIds(request.Room, request.ClientId) is { } bad)
        {
            return ChangePlan.Refused(bad);
        }

        var kind = request.Kind switch
        {
            null or MessageKinds.Text => MessageKind.Text,
            MessageKinds.Action => MessageKind.Action,
            _ => (MessageKind?)null,
        };
        var body = request.Body ?? "";
        var post = new PostMessage(caller.Name, request.ClientId!, Now(), kind ?? MessageKind.Text, body, request.ReplyTo, [], []);
        var error = kind is null
            ? new HubError(ErrorCodes.InvalidArgument, "kind is text or action")
            : CheckFiles(request.Files) ?? CheckBody(body, request.Files is { Count: > 0 });
        error ??= request.ReplyTo is < 1 ? new HubError(ErrorCodes.InvalidArgument, "replyTo is the seq of a message, 1 or more") : null;
        error ??= Admit(caller, request.Room!, RoomAction.Send);
        if (error is not null)
        {
            return Refuse(caller, request.Room!, post, error);
        }

        post = post with { Mentions = Mentions.In(body) };
        return request.Files is { Count: > 0 } ids
            ? new ChangePlan(request.Room!, post, null, () => AttachAsync(caller, request.Room!, post, ids))
            : new ChangePlan(request.Room!, post, null);
    }

    public ChangePlan Edit(Caller caller, EditRequest request)
    {
        if (CheckIds(request.Room, request.ClientId) is { } bad)
        {
            return ChangePlan.Refused(bad);
        }

        var body = request.Body ?? "";
        var edit = new EditMessage(caller.Name, request.ClientId!, Now(), request.Seq ?? 0, body, Mentions.In(body));
        var error = CheckSeq(request.Seq) ?? CheckBody(body, false) ?? Admit(caller, request.Room!, RoomAction.EditOwn);
        return Plan(caller, request.Room!, edit, error);
    }

    public ChangePlan Delete(Caller caller, DeleteRequest request)
    {
        if (CheckIds(request.Room, request.ClientId) is { } bad)
        {
            return ChangePlan.Refused(bad);
        }

        var access = RoomAccess.Check(replica.State, request.Room, caller.Name, RoomAction.DeleteOthers, Now());
        var delete = new DeleteMessage(caller.Name, request.ClientId!, Now(), request.Seq ?? 0, AsModerator: access.Error is null);
        var error = CheckSeq(request.Seq) ?? Admit(caller, request.Room!, RoomAction.DeleteOwn);
        return Plan(caller, request.Room!, delete, error);
    }

    public ChangePlan React(Caller caller, ReactRequest request)
    {
        if (CheckIds(request.Room, request.ClientId) is { } bad)
        {
            return ChangePlan.Refused(bad);
        }

        var react = new React(caller.Name, request.ClientId!, Now(), request.Seq ?? 0, request.Emoji ?? "", request.On ?? true);
        var error = CheckSeq(request.Seq)
            ?? Rule(RoomTexts.CheckEmoji(request.Emoji), "emoji is one emoji of at most 32 bytes")
            ?? Admit(caller, request.Room!, RoomAction.Send);
        return Plan(caller, request.Room!, react, error);
    }

    public async ValueTask<Answer<MessagesPage>> HistoryAsync(Caller caller, HistoryRequest request)
    {
        var access = RoomAccess.Check(replica.State, request.Room, caller.Name, RoomAction.Read, Now());
        if (access.Error is not null)
        {
            return access.Error;
        }

        if (PageLimit(request.Limit, HistoryDefault) is not { } limit)
        {
            return BadLimit;
        }

        if (request.BeforeSeq is < 1)
        {
            return new HubError(ErrorCodes.InvalidArgument, "beforeSeq is 1 or more");
        }

        var told = request.BeforeSeq is null ? await routes.ToldNewestSeqAsync(access.Room.Id).ConfigureAwait(false) : 0;
        var page = await store.ReadBeforeAsync(access.Room.Id, request.BeforeSeq, limit, caller.Name, CancellationToken.None).ConfigureAwait(false);
        if (page.Messages is [.., var last]
            && (last.Seq < told || (last.Seq < request.BeforeSeq - 1 && request.BeforeSeq <= await routes.NewestSeqAsync(access.Room.Id).ConfigureAwait(false))))
        {
            // Seqs have no holes: the page would, or ends too early, since the store that was read is behind the one that is written.
            throw new MessageStoreUnavailableException($"the message store is behind the room {access.Room.Id}: it has no message {request.BeforeSeq - 1 ?? told}");
        }

        // Whoever was removed meanwhile gets nothing that may have been committed after that.
        access = RoomAccess.Check(replica.State, request.Room, caller.Name, RoomAction.Read, Now());
        return access.Error is null ? page : access.Error;
    }

    public async ValueTask<Answer<SearchPage>> SearchAsync(Caller caller, SearchRequest request)
    {
        if (string.IsNullOrWhiteSpace(request.Query) || request.Query.Length > ProtocolLimits.SearchQueryMax)
        {
            return new HubError(ErrorCodes.InvalidArgument, $"query is 1 to {ProtocolLimits.SearchQueryMax} characters");
        }

        if (PageLimit(request.Limit, SearchDefault) is not { } limit)
        {
            return BadLimit;
        }

        if (!caller.User.Searches.TryTake(out var retryAfterMs))
        {
            return new HubError(ErrorCodes.RateLimited, "too many searches", retryAfterMs);
        }

        var rooms = new List<string>();
        if (request.Room is not null)
        {
            var access = RoomAccess.Check(replica.State, request.Room, caller.Name, RoomAction.Read, Now());
            if (access.Error is not null)
            {
                return access.Error;
            }

            rooms.Add(access.Room.Id);
        }
        else
        {
            foreach (var room in replica.State.RoomsOf(caller.Name))
            {
                rooms.Add(room.Id);
            }
        }

        var page = await searches.RunAsync(new SearchQuery(request.Query, rooms, request.After, limit, caller.Name)).ConfigureAwait(false);
        if (page.Value is not { } found)
        {
            return page;
        }

        // A room that the caller left while the search ran is none of theirs any more.
        var hits = found.Hits.Where(hit => replica.State.FindMembership(hit.Room, caller.Name) is not null).ToList();
        return found with { Hits = hits };
    }

    public async ValueTask<Answer<Nothing>> MarkReadAsync(Caller caller, MarkReadRequest request)
    {
        var access = RoomAccess.Check(replica.State, request.Room, caller.Name, RoomAction.Read, Now());
        if (access.Error is not null)
        {
            return access.Error;
        }

        if (CheckSeq(request.Seq) is { } bad)
        {
            return bad;
        }

        // What is not there yet can not have been read.
        var newest = await routes.NewestSeqAsync(access.Room.Id).ConfigureAwait(false);
        await marks.MoveAsync(caller, access.Room.Id, Math.Min(request.Seq!.Value, newest)).ConfigureAwait(false);
        return Done;
    }

    public ValueTask<Answer<Nothing>> TypingAsync(Caller caller, RoomRequest request)
    {
        var access = RoomAccess.Check(replica.State, request.Room, caller.Name, RoomAction.Typing, Now());
        if (access.Error is not null)
        {
            return new(access.Error);
        }

        routes.StartTyping(access.Room.Id, caller.Name);
        return new(Done);
    }

    private static readonly Nothing Done = new();

    private static HubError BadLimit { get; } = new(ErrorCodes.InvalidArgument, $"limit is 1 to {ProtocolLimits.PageMax}");

    private async Task<ChangePlan> AttachAsync(Caller caller, string room, PostMessage post, IReadOnlyList<string> ids)
    {
        var attached = new List<AttachedFile>(ids.Count);
        using var limit = new CancellationTokenSource(RoomHost.HoldMs);
        try
        {
            foreach (var id in ids)
            {
                if (await files.FindAsync(room, caller.Name, id, limit.Token).ConfigureAwait(false) is not { } file)
                {
                    return Refuse(caller, room, post, new HubError(ErrorCodes.NotFound, "files names a file that was not uploaded to this room"));
                }

                attached.Add(file);
            }
        }
        catch (Exception failure) when (failure is BlobStoreUnavailableException or OperationCanceledException)
        {
            // A repeat of what was sent has its answer all the same.
            return Refuse(caller, room, post, new HubError(ErrorCodes.Unavailable, "the files of the message cannot be looked up now; try again"));
        }

        return new ChangePlan(room, post with { Files = attached }, null);
    }

    private static ChangePlan Plan(Caller caller, string room, RoomChange change, HubError? error) =>
        error is null ? new ChangePlan(room, change, null) : Refuse(caller, room, change, error);

    /// <summary>
    /// A refused change goes on only to be recognized if it is a repeat, which it is by its ids: nothing else of it goes along. Each is a
    /// question to the store, so past the limit the answer is to try again later, whatever it was.
    /// </summary>
    private static ChangePlan Refuse(Caller caller, string room, RoomChange change, HubError error) => caller.User.Lookups.TryTake(out var retryAfterMs)
        ? new(room, new DeleteMessage(change.Author, change.ClientId, change.At, Seq: 0, AsModerator: false), error)
        : ChangePlan.Refused(new HubError(ErrorCodes.RateLimited, "too many refused calls at once", retryAfterMs));

    private HubError? Admit(Caller caller, string room, RoomAction action)
    {
        var access = RoomAccess.Check(replica.State, room, caller.Name, action, Now());
        if (access.Error is not null)
        {
            return access.Error;
        }

        return caller.User.Sends.TryTake(out var retryAfterMs)
            ? null
            : new HubError(ErrorCodes.RateLimited, "too many messages at once", retryAfterMs);
    }

    private HubError? CheckBody(string body, bool hasFiles)
    {
        if (RoomTexts.CheckBody(body, hasFiles) is { } code)
        {
            return new HubError(code, "a message has 1 to 8,000 characters, not only blanks, no U+0000 and no lone surrogate");
        }

        return TextRules.HasAtMost(body, limits.BodyCodePoints)
            ? null
            : new HubError(ErrorCodes.TooLarge, $"a message has at most {limits.BodyCodePoints} characters here");
    }

    private static HubError? CheckIds(string? room, string? clientId) =>
        RoomAccess.CheckId(room) ?? Rule(RoomTexts.CheckClientId(clientId), "clientId is 1 to 64 characters");

    private static HubError? CheckSeq(long? seq) =>
        seq is >= 1 ? null : new HubError(ErrorCodes.InvalidArgument, "seq is a message's number, 1 or more");

    private static HubError? CheckFiles(IReadOnlyList<string>? ids) =>
        ids is { Count: > ProtocolLimits.FilesPerMessageMax } || ids?.Any(string.IsNullOrEmpty) == true
            ? new HubError(ErrorCodes.InvalidArgument, $"files names at most {ProtocolLimits.FilesPerMessageMax} files")
            : null;

    private static HubError? Rule(string? code, string text) => code is null ? null : new HubError(code, text);

    private static int? PageLimit(int? asked, int usual) => (asked ?? usual) is var limit && limit is >= 1 and <= ProtocolLimits.PageMax ? limit : null;

    private long Now() => time.GetUtcNow().ToUnixTimeMilliseconds();
}
