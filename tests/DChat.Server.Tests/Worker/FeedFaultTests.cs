using DChat.Core.Messages;
using DChat.Protocol;
using DChat.Server.Tests.Contract;
using DChat.Server.Worker.Calls;
using DChat.Server.Worker.Host;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace DChat.Server.Tests.Worker;

public sealed class FeedFaultTests(FeedFaultTests.FaultyServer server) : IClassFixture<FeedFaultTests.FaultyServer>
{
    /// <summary>Whatever went wrong once, a room is followed again: its clients do not wait for ever.</summary>
    [Fact]
    public async Task A_room_whose_host_failed_in_an_unforeseen_way_is_followed_all_the_same()
    {
        server.Server.Log.ExpectErrors("could not be followed");
        await using var ann = await server.PersonAsync();
        var room = await ann.MakeRoomAsync();
        server.Authority.FailsNextFor = room;
        var synced = await ann.Hub.SubscribeAsync(room);
        Assert.Equal(room, (string)synced["room"]!["id"]!);
        Assert.Null(server.Authority.FailsNextFor);
        await ann.Hub.SendAsync(room, "heard");
        await ann.Hub.NextPostAsync(room, "heard");
    }

    public sealed class FaultyServer : ContractServer
    {
        internal FaultyAuthority Authority { get; private set; } = null!;

        protected override void Adjust(WebApplicationBuilder builder)
        {
            base.Adjust(builder);
            builder.Services.Replace(ServiceDescriptor.Singleton<IRoomAuthority>(services => Authority = new FaultyAuthority(ActivatorUtilities.CreateInstance<RegistryAuthority>(services))));
        }
    }

    /// <summary>The server's own, which fails once where the test says so.</summary>
    internal sealed class FaultyAuthority(IRoomAuthority inner) : IRoomAuthority
    {
        private string? _failsNextFor;

        public string? FailsNextFor
        {
            get => Volatile.Read(ref _failsNextFor);
            set => Volatile.Write(ref _failsNextFor, value);
        }

        public long? EpochOf(string room) => FailsNextFor == room && Interlocked.Exchange(ref _failsNextFor, null) is not null
            ? throw new InvalidOperationException("nobody thought of that")
            : inner.EpochOf(room);

        public bool Exists(string room) => inner.Exists(room);

        public HubError? Check(string room, RoomChange change) => inner.Check(room, change);

        public int SlowModeSeconds(string room) => inner.SlowModeSeconds(room);

        public int SlowModeSeconds(string room, string user) => inner.SlowModeSeconds(room, user);

        public IReadOnlyList<RoomNotice> NoticesOf(string room) => inner.NoticesOf(room);
    }
}
