using DChat.Client;
using DChat.Client.Connections;
using DChat.Client.Outbox;
using DChat.Client.Rooms;
using DChat.Protocol;
using DChat.Terminal.Invocation;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>Does what the model asks for. Called by one thread; nothing here blocks it.</summary>
/// <param name="tell">Takes what comes of it; any thread may call it.</param>
/// <param name="wake">Called when the feed has something to take.</param>
internal sealed class EffectRunner(ITerminal terminal, SavedSessions sessions, UiSettings settings, TimeProvider time, Action<UiEvent> tell, Action wake) : IAsyncDisposable
{
    private static readonly TimeSpan MarkReadEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MeasureEvery = TimeSpan.FromSeconds(15);

    /// <summary>Messages that are forgotten at once and whose memory is wanted back before the collector would think of it.</summary>
    private const int WorthCollecting = 1_000;

    private readonly OwnedWork work = new(tell);
    private readonly SignIns signIns = new(sessions, time);
    private readonly RoomCalls rooms = new(tell);
    private readonly FileCalls files = new(settings, tell);
    private readonly Dictionary<string, long> reading = [];
    private readonly SemaphoreSlim switching = new(1, 1);
    private Account? account;

    public bool QuitAsked { get; private set; }

    public bool RedrawAsked { get; set; }

    public SignIns SignIns => signIns;

    /// <summary>What the SDK told since the last time.</summary>
    public IReadOnlyList<UiEvent> TakeFeed() => account?.Feed.Take() ?? [];

    public void Run(Effect effect)
    {
        switch (effect)
        {
            case Effect.Quit:
                QuitAsked = true;
                break;
            case Effect.Redraw:
                RedrawAsked = true;
                break;
            case Effect.Suspend:
                terminal.Suspend();
                break;
            case Effect.Bell:
                terminal.Bell();
                break;
            case Effect.Notify(var title, var body):
                terminal.Notify(title, body, Notification);
                break;
            case Effect.Copy(var text):
                terminal.CopyToClipboard(text);
                break;
            case Effect.SetTitle(var text):
                terminal.SetTitle(text);
                break;
            case Effect.Remember(var memory):
                account?.Keep(memory);
                break;
            case Effect.Probe(var server):
                work.Run(async cancel => tell(await signIns.ProbeAsync(server, cancel)));
                break;
            case Effect.SignIn wanted:
                work.Run(cancel => SignInAsync(wanted, cancel));
                break;
            case Effect.Resume(var server, var user):
                work.Run(cancel => ResumeAsync(server, user, cancel));
                break;
            case Effect.SignOut(var end):
                work.Run(cancel => SignOutAsync(end, cancel));
                break;
            case Effect.ListPaths(var prefix):
                files.ListPaths(prefix);
                break;
            default:
                RunInAccount(effect);
                break;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await work.DisposeAsync();
        if (account is { } open)
        {
            await open.DisposeAsync();
        }

        switching.Dispose();
    }

    private static NotificationKind Notification =>
        Environment.GetEnvironmentVariable("TERM") is { } term && (term.StartsWith("rxvt", StringComparison.Ordinal) || term.StartsWith("foot", StringComparison.Ordinal))
            ? NotificationKind.Osc777
            : NotificationKind.Osc9;

    private void RunInAccount(Effect effect)
    {
        if (account is not { } open)
        {
            return;
        }

        switch (effect)
        {
            case Effect.Send send:
                Send(open, send);
                break;
            case Effect.Withdraw(var id):
                Withdraw(open, id);
                break;
            case Effect.MarkRead(var room, var seq):
                MarkRead(open, room, seq);
                break;
            case Effect.Typing(var room) when open.Client.Status.State == ConnectionState.Online:
                work.Run(cancel => HintAsync(open.Client.FindRoom(room)?.TypingAsync(cancel)));
                break;
            case Effect.Typing:
                break;
            case Effect.SetAway(var away):
                work.Run(cancel => HintAsync(open.Client.SetPresenceAsync(away ? PresenceStates.Away : PresenceStates.Online, cancel)));
                break;
            case Effect.ReleaseOlder(var room):
                if (open.Client.FindRoom(room) is { } left)
                {
                    Release(left);
                    open.Feed.Touch(room);
                }

                break;
            case Effect.Reconnect:
                work.Run(cancel => OpenAsync(open.Server, open.User, cancel));
                break;
            case Effect.Upload upload:
                work.Run(cancel => files.UploadAsync(open, upload, cancel));
                break;
            case Effect.UploadText upload:
                work.Run(cancel => files.UploadTextAsync(open, upload, cancel));
                break;
            case Effect.Download download:
                work.Run(cancel => files.DownloadAsync(open, download, cancel));
                break;
            default:
                if (rooms.Of(open.Client, effect) is { } call)
                {
                    work.Run(call);
                }

                break;
        }
    }

    private void Send(Account open, Effect.Send send)
    {
        try
        {
            open.Feed.Watch(open.Client.Post(send.Room, send.Body, send.Kind, send.ReplyTo));
        }
        catch (ChatException e)
        {
            // The outbox is full: the text is kept where it can be sent again.
            var now = time.GetUtcNow().ToUnixTimeMilliseconds();
            tell(new UiEvent.SendRefused(new FailedMessage(Guid.NewGuid().ToString("N"), send.Room, send.Body, send.Kind, send.ReplyTo, Problems.Of(e), now)));
        }
    }

    private void Withdraw(Account open, string id)
    {
        if (open.Feed.Find(id) is { } message && !open.Client.TryWithdraw(message))
        {
            tell(new UiEvent.Failed("It is on its way already, and may have arrived."));
        }
    }

    /// <summary>One call a room at a time, with the latest mark.</summary>
    private void MarkRead(Account open, string room, long seq)
    {
        lock (reading)
        {
            var isIdle = !reading.ContainsKey(room);
            reading[room] = seq;
            if (isIdle)
            {
                work.Run(cancel => MarkReadAsync(open, room, cancel));
            }
        }
    }

    private async Task MarkReadAsync(Account open, string room, CancellationToken cancel)
    {
        var marked = 0L;
        while (true)
        {
            long seq;
            lock (reading)
            {
                seq = reading[room];
                if (seq == marked)
                {
                    reading.Remove(room);
                    return;
                }
            }

            await HintAsync(open.Client.FindRoom(room)?.MarkReadAsync(seq, cancel));
            marked = seq;
            await Task.Delay(MarkReadEvery, time, cancel);
        }
    }

    /// <summary>Of a call whose failure is nobody's concern: typing, a read mark, presence. The next one says the same.</summary>
    private static async Task HintAsync(Task? call)
    {
        try
        {
            await (call ?? Task.CompletedTask);
        }
        catch (ChatException)
        {
            // The status line shows already that there is no connection.
            return;
        }
    }

    private async Task SignInAsync(Effect.SignIn wanted, CancellationToken cancel)
    {
        var (server, user, problem) = await signIns.SignInAsync(wanted, cancel);
        if (problem is not null)
        {
            tell(new UiEvent.SignInFailed(problem));
            return;
        }

        await OpenAsync(server, user, cancel);
    }

    /// <summary>Forgets what was loaded by scrolling back, and lets its memory serve the next room that one scrolls back in.</summary>
    private static void Release(ChatRoom room)
    {
        var held = room.Messages.Count;
        room.ReleaseOlder();
        if (held - room.Messages.Count >= WorthCollecting)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: false);
        }
    }

    private async Task ResumeAsync(string server, string user, CancellationToken cancel)
    {
        if (await signIns.HasSessionAsync(server, user, cancel))
        {
            signIns.Remember(server, user);
            await OpenAsync(server, user, cancel);
        }
        else
        {
            tell(new UiEvent.SignedOut("That session has ended. Sign in again.", signIns.Form(server, user)));
        }
    }

    /// <summary>Shows an account; one that was shown before is closed first.</summary>
    private async Task OpenAsync(string server, string user, CancellationToken cancel)
    {
        await switching.WaitAsync(cancel);
        try
        {
            if (account is { } before)
            {
                account = null;
                await before.DisposeAsync();
            }

            var opened = new Account(sessions, server, user, time, wake, problem => tell(new UiEvent.Failed(SafeText.Clean(problem))));
            tell(new UiEvent.SignedIn(user, server, opened.LoadMemory()));
            account = opened;
            work.Run(stop => ConnectAsync(opened, stop));
        }
        finally
        {
            switching.Release();
        }
    }

    private async Task ConnectAsync(Account open, CancellationToken cancel)
    {
        try
        {
            await open.Client.ConnectAsync(cancel);
            open.Feed.Synced();
            while (true)
            {
                await Task.Delay(MeasureEvery, time, cancel);
                if (open.Client.Status.State == ConnectionState.Online)
                {
                    await HintAsync(open.Client.PingAsync(cancel));
                    open.Feed.Measured();
                }
                else if (open.Client.Status.State == ConnectionState.SignedOut)
                {
                    tell(new UiEvent.SignedOut("The session has ended. Sign in again.", signIns.Form(open.Server, open.User)));
                    return;
                }
            }
        }
        catch (ChatException e) when (e.Code == ErrorCodes.NotSignedIn && account == open)
        {
            tell(new UiEvent.SignedOut("The session has ended. Sign in again.", signIns.Form(open.Server, open.User)));
        }
        catch (ChatException) when (account != open)
        {
            // Another account took its place.
            return;
        }
    }

    private async Task SignOutAsync(bool end, CancellationToken cancel)
    {
        if (account is not { } open)
        {
            return;
        }

        account = null;
        string? problem = null;
        if (end)
        {
            try
            {
                await open.Client.Account.LogoutAsync(cancel);
            }
            catch (ChatException e)
            {
                problem = $"You are signed out here, but the server was not told: {Problems.Of(e)}";
            }

            signIns.Forget(open.Server, open.User);
        }

        await open.DisposeAsync();
        tell(new UiEvent.SignedOut(problem ?? "", signIns.Form(open.Server, end ? null : open.User)));
    }
}
