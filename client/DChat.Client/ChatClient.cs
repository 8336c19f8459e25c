using DChat.Client.Accounts;
using DChat.Client.Connections;
using DChat.Client.Events;
using DChat.Client.Files;
using DChat.Client.Outbox;
using DChat.Client.Rooms;
using DChat.Client.Sessions;
using DChat.Protocol;
using Microsoft.Extensions.Logging;

namespace DChat.Client;

/// <summary>
/// A D-Chat client: signs in, keeps a connection, follows rooms and sends messages. Safe for use by several threads.
/// </summary>
/// <remarks>
/// <para>Sign in through <see cref="Account"/>, ask for <see cref="Messages"/> or <see cref="Events"/>, then call
/// <see cref="ConnectAsync"/>. From then on the client reconnects by itself, and neither the events nor the outbox lose
/// or repeat a message, whichever server goes away.</para>
/// <para>Methods throw <see cref="ChatException"/> where the server refuses; its <see cref="ChatException.Code"/> says why.</para>
/// </remarks>
public sealed partial class ChatClient : IAsyncDisposable
{
    private readonly ChatClientOptions options;
    private readonly SocketsHttpHandler handler;
    private readonly HttpMessageInvoker invoker;
    private readonly TokenKeeper tokens;
    private readonly OwnedTasks tasks;
    private readonly EventHub events;
    private readonly Connector connector;
    private readonly MessageOutbox outbox;
    private readonly SemaphoreSlim connecting = new(1, 1);
    private bool restored;
    private bool disposed;

    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public ChatClient(ChatClientOptions options)
    {
        options.Validate();
        this.options = options;
        var servers = new ServerAddresses(options.Servers);
        handler = NetworkHandler.Create(options.Time);
        invoker = new HttpMessageInvoker(handler, disposeHandler: false);
        var http = new ChatHttp(invoker, servers, options.Time, options.CallTimeout);
        tokens = new TokenKeeper(http, options.SessionStore ?? new MemorySessionStore(), options.Time);
        Account = new AccountApi(http, tokens);
        Files = new FileTransfers(http, tokens);
        tasks = new OwnedTasks(options.LoggerFactory.CreateLogger<ChatClient>());
        events = new EventHub(options.EventsMax, () => Book!.PumpAll());
        Book = new RoomBook(this, options, events, tasks);
        connector = new Connector(options, servers, invoker, tokens, new Wiring(this));
        outbox = new MessageOutbox(options, connector.LinkAsync, tasks, message => events.Hint(new ChatEvent.OutboxChanged(message)));
    }

    /// <summary>A client with default options.</summary>
    /// <param name="servers">Addresses separated by commas, such as <c>http://localhost:8080</c>.</param>
    public ChatClient(string servers)
        : this(new ChatClientOptions { Servers = ServerAddresses.Parse(servers) })
    {
    }

    /// <summary>Accounts, sessions and tokens. Works without a connection.</summary>
    public AccountApi Account { get; }

    /// <summary>Files of rooms. Works without a connection.</summary>
    public FileTransfers Files { get; }

    /// <summary>Where the client stands with its servers.</summary>
    public ConnectionStatus Status => connector.Status;

    /// <summary>The round trip of the latest call; null while not connected. <see cref="PingAsync"/> measures it anew.</summary>
    public TimeSpan? Latency => connector.Latency;

    /// <summary>The signed-in account; null before the first connection.</summary>
    public Me? Me => Book.Me;

    /// <summary>What the server is; null before the first sync.</summary>
    public ServerInfo? Server => Book.Server;

    /// <summary>The rooms that are followed: all of the user's, unless <see cref="ChatClientOptions.FollowAllRooms"/> is off.</summary>
    public IReadOnlyList<ChatRoom> Rooms => Book.Rooms;

    /// <summary>Rooms to which the user is invited; <see cref="JoinRoomAsync"/> accepts.</summary>
    public IReadOnlyList<Room> Invitations => Book.Invitations;

    /// <summary>Messages that are not sent yet, in the order in which they were written.</summary>
    public IReadOnlyList<OutgoingMessage> Unsent => outbox.Unsent;

    internal RoomBook Book { get; }

    internal TimeProvider Time => options.Time;

    /// <summary>Everything that happens from now on. Ask before <see cref="ConnectAsync"/> to miss nothing.</summary>
    public EventStream<ChatEvent> Events() => new(events, static e => e);

    /// <summary>Every new message from now on, in all followed rooms, each once. Ask before <see cref="ConnectAsync"/> to miss nothing.</summary>
    public EventStream<ChatEvent.MessagePosted> Messages() => new(events, static e => e as ChatEvent.MessagePosted);

    /// <summary>A followed room by its id; null where it is not followed.</summary>
    public ChatRoom? FindRoom(string id) => Book.Find(id);

    /// <summary>Connects with the session that <see cref="Account"/> made, or that the session store kept; completes once everything is in sync.</summary>
    /// <exception cref="ChatException"><c>not_signed_in</c>: there is no session, or it ended; <c>unreachable</c>: no server answered within <see cref="ChatClientOptions.ConnectPatience"/>.</exception>
    public async Task ConnectAsync(CancellationToken cancel = default)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        await connecting.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            var user = await tokens.UserAsync(cancel).ConfigureAwait(false)
                ?? throw new ChatException(ErrorCodes.NotSignedIn, "Nobody is signed in.");
            if (Book.Me is null || !string.Equals(Book.Me.User, user, StringComparison.OrdinalIgnoreCase))
            {
                Book.Clear();
                Book.Me = new Me(user, user, []);
            }

            if (!restored)
            {
                await outbox.RestoreAsync(cancel).ConfigureAwait(false);
                restored = true;
            }

            await connector.StartAsync(cancel).ConfigureAwait(false);
        }
        finally
        {
            connecting.Release();
        }
    }

    /// <summary>Closes the connection and ends the streams. Messages that were not sent stay in the outbox store, if there is one.</summary>
    public async ValueTask DisposeAsync()
    {
        if (disposed)
        {
            return;
        }

        disposed = true;
        await tasks.DisposeAsync().ConfigureAwait(false);
        await connector.DisposeAsync().ConfigureAwait(false);
        outbox.Close();
        events.Complete();
        invoker.Dispose();
        handler.Dispose();
        connecting.Dispose();
    }

    internal static string NewId() => Guid.CreateVersion7().ToString("N");

    /// <summary>What the connector reports, without showing it to users of the client.</summary>
    private sealed class Wiring(ChatClient client) : IConnectorEvents
    {
        public Task OpenedAsync(HubLink link, CancellationToken cancel) => client.Book.SyncAsync(link, cancel);

        public void Received(HubLink link, object payload)
        {
            switch (payload)
            {
                case ReconnectAsked asked:
                    client.connector.Leave(link, TimeSpan.FromMilliseconds(Math.Max(0, asked.AfterMs)));
                    break;
                case SignedOut ended:
                    client.connector.EndSession(link, ended.Reason);
                    break;
                default:
                    client.Book.Received(link, payload);
                    break;
            }
        }

        public void Lost(HubLink link) => client.Book.Lost(link);

        public void StatusChanged(ConnectionStatus status) => client.events.Hint(new ChatEvent.ConnectionChanged(status));

        public void Ended(ChatException problem)
        {
            if (problem.Code == ErrorCodes.NotSignedIn)
            {
                client.events.Publish(new ChatEvent.SignedOut(problem.Message));
            }
        }
    }
}
