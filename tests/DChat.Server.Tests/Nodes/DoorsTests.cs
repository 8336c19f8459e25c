using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using DChat.Protocol;
using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Server.Nodes;
using DChat.Server.Tests.Http;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;
using static DChat.Server.Tests.Http.ApiClient;

namespace DChat.Server.Tests.Nodes;

/// <summary>
/// The clients' door and the nodes' door. What is at one is not there at the other, whatever whoever asks holds: no token of a person opens
/// anything for nodes, and the cluster secret nothing for people. All is asked that is mapped.
/// </summary>
public sealed class DoorsTests(DoorsTests.Cluster cluster) : IClassFixture<DoorsTests.Cluster>
{
    /// <summary>What the clients' door answers without a session.</summary>
    private static readonly string[] ForAnybody =
        ["GET /api/info", "GET /health/live", "GET /health/ready", "POST /api/login", "POST /api/refresh", "POST /api/register", "POST /chat/negotiate"];

    private static readonly string[] ForNodes = ["GET /metrics", "GET /node"];

    /// <summary>There it has no other door.</summary>
    private static readonly string[] OfCoordinator = [.. ForNodes, "GET /health/live", "GET /health/ready"];

    private readonly InProcessServer _coordinator = cluster.Coordinator;
    private readonly InProcessServer _worker = cluster.Worker;
    private readonly string _secret = cluster.Secret;
    private readonly IReadOnlyList<string> _tokens = cluster.Tokens;

    [Fact]
    public async Task What_is_at_one_door_is_not_at_the_other_whoever_asks()
    {
        var everything = MappedRoute.Of(_worker).Union(MappedRoute.Of(_coordinator)).ToList();
        await ServesAsync(_worker.Client, everything, null, [.. MappedRoute.Of(_worker).Select(route => route.ToString()).Except(ForNodes)]);
        foreach (var token in _tokens.Append<string?>(_secret).Append(null))
        {
            // Not all: at its own door a token does what it is for.
            await ServesAsync(_worker.Client, [.. everything.Where(route => ForNodes.Contains(route.ToString()))], token, []);
            await ServesAsync(_worker.Node, everything, token, ForNodes);
            await ServesAsync(_coordinator.Node, everything, token, OfCoordinator);
        }
    }

    [Fact]
    public async Task Where_metrics_have_an_address_of_their_own_nothing_else_is_there()
    {
        var metrics = new UriBuilder("http", "127.0.0.1", FreePort.Next()).Uri;
        await using var server = await InProcessServer.StartAsync(options => options with { Metrics = metrics.Authority });
        var tokens = await SignInAsync(server, server.AdminPassword);
        var everything = MappedRoute.Of(server);
        await ServesAsync(server.Client, everything, null, [.. everything.Select(route => route.ToString()).Except(ForNodes)]);
        foreach (var token in tokens)
        {
            await ServesAsync(metrics, everything, token, ["GET /metrics"]);
            await ServesAsync(server.Node, everything, token, ["GET /node"]);
        }
    }

    [Fact]
    public async Task Without_a_session_the_clients_door_opens_for_nothing_and_the_cluster_secret_is_none()
    {
        using var http = _worker.CreateHttpClient();
        foreach (var route in MappedRoute.Of(_worker).Where(route => !ForNodes.Contains(route.ToString())))
        {
            var refused = route.Pattern == ProtocolVersion.HubPath ? HttpStatusCode.BadRequest : HttpStatusCode.Unauthorized; // No WebSocket: see below.
            foreach (var token in new[] { null, _secret })
            {
                using var answer = await AskAsync(http, route, token);
                Assert.True(ForAnybody.Contains(route.ToString()) || answer.StatusCode == refused, $"{route}: {answer.StatusCode}");
            }
        }

        using var api = new ApiClient(_worker);
        await RefusedAsync(await api.PostAsync("/api/login", new LoginRequest("admin", _secret)), HttpStatusCode.Unauthorized, ErrorCodes.BadCredentials);
        await RefusedAsync(await api.PostAsync("/api/refresh", new RefreshRequest(_secret)), HttpStatusCode.Unauthorized, ErrorCodes.BadToken);
        foreach (var token in new[] { null, _secret })
        {
            foreach (var inQuery in new[] { true, false })
            {
                var refused = await Assert.ThrowsAsync<WebSocketException>(() => HubProbe.ConnectAsync(_worker.Client, token, inQuery));
                Assert.Contains("401", refused.Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task No_token_proves_a_node_to_any_of_the_nodes_services_and_the_secret_does_so_at_their_door_only()
    {
        foreach (var server in new[] { _coordinator, _worker })
        {
            var services = server.Services.GetServices<INodeServer>().Select(service => service.Service).ToList();
            var before = Accepted(server);
            Assert.NotEmpty(services);
            foreach (var service in services)
            {
                foreach (var token in _tokens)
                {
                    var refused = await Assert.ThrowsAsync<NodeRefusedException>(() => LinkAsync(server.Node, service, Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(token)))));
                    Assert.Contains("the cluster secrets differ", refused.Message, StringComparison.Ordinal);
                }

                await using var link = await LinkAsync(server.Node, service, _secret);
                Assert.True(link.IsUp);
                var lost = await Assert.ThrowsAsync<NodeLinkException>(() => LinkAsync(_worker.Client, service, _secret));
                Assert.Contains("is no node port of D-Chat: it answers 404", lost.Message, StringComparison.Ordinal);
            }

            await Eventually.Holds(() => Accepted(server) == before + services.Count);
        }
    }

    /// <summary>Who knows the handshake and not the secret, takes any answer for right, and shows a token wherever one can be shown.</summary>
    [Fact]
    public async Task A_token_that_comes_with_the_upgrade_takes_nobodys_proof_away()
    {
        foreach (var server in new[] { _coordinator, _worker })
        {
            var before = Accepted(server);
            foreach (var service in server.Services.GetServices<INodeServer>().Select(service => service.Service))
            {
                foreach (var token in _tokens)
                {
                    Assert.Contains("the cluster secrets differ", await VerdictAsync(server.Node, service, token), StringComparison.Ordinal);
                }
            }

            Assert.Equal(before, Accepted(server));
        }
    }

    /// <returns>Why it is refused.</returns>
    private static async Task<string> VerdictAsync(Uri door, string service, string token)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, door.Port).Within();
        await using var stream = socket.GetStream();
        var head = $"GET {NodeDoor.Path}?access_token={token} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nConnection: Upgrade\r\nUpgrade: {NodeDoor.Protocol}\r\n\r\n";
        await stream.WriteAsync(Encoding.ASCII.GetBytes(head)).AsTask().Within();
        var answer = new StringBuilder();
        while (!answer.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            answer.Append((char)(await ReadAsync(stream, 1))[0]);
        }

        Assert.StartsWith("HTTP/1.1 101 ", answer.ToString(), StringComparison.Ordinal);
        await WriteAsync(stream, new NodeSelf("asks", "i", "127.0.0.1:1", "0").Hello(service).Encode(), RandomNumberGenerator.GetBytes(SHA256.HashSizeInBytes));
        await ReadPartAsync(stream); // Its greeting, then what it is to be signed with, and its own proof.
        await ReadAsync(stream, 2 * SHA256.HashSizeInBytes);
        await WriteAsync(stream, [1], SHA256.HashData(Encoding.UTF8.GetBytes(token)));
        var verdict = await ReadPartAsync(stream);
        Assert.Equal(0, verdict[0]);
        return Encoding.UTF8.GetString(verdict.AsSpan(1));
    }

    /// <summary>A part with its length before it, and what follows it.</summary>
    private static async Task WriteAsync(NetworkStream stream, byte[] part, byte[] rest) => await stream.WriteAsync((byte[])[.. BitConverter.GetBytes(part.Length), .. part, .. rest]).AsTask().Within();

    private static async Task<byte[]> ReadPartAsync(NetworkStream stream) => await ReadAsync(stream, BitConverter.ToInt32(await ReadAsync(stream, sizeof(int))));

    private static async Task<byte[]> ReadAsync(NetworkStream stream, int count)
    {
        var bytes = new byte[count];
        await stream.ReadExactlyAsync(bytes).AsTask().Within();
        return bytes;
    }

    /// <summary>Links that the test asked for and that were let in.</summary>
    private static int Accepted(InProcessServer server) => server.Log.Lines.Count(line => line.Contains(" link from asks at ", StringComparison.Ordinal) && !line.Contains(" ended: ", StringComparison.Ordinal));

    private static async Task<NodeLink> LinkAsync(Uri door, string service, string secret)
    {
        using var dialer = new NodeDialer(new NodeHandshake(ClusterSecret.Parse(secret, "the test's")), new NodeSelf("asks", "i", "127.0.0.1:1", "0"), null, TimeProvider.System);
        return await dialer.ConnectAsync(door.Authority, service, null, _ => new EchoService(), CancellationToken.None).Within();
    }

    /// <summary>Of these routes a door serves exactly some, whatever they answer; the others are not there, as if nobody had ever mapped them.</summary>
    private static async Task ServesAsync(Uri door, IReadOnlyList<MappedRoute> routes, string? token, string[] expected)
    {
        using var http = new HttpClient { BaseAddress = door, Timeout = Eventually.DefaultLimit };
        var served = new List<string>();
        foreach (var route in routes)
        {
            using var answer = await AskAsync(http, route, token);
            if (answer.StatusCode != HttpStatusCode.NotFound || await DetailAsync(answer) != "There is no such thing.")
            {
                served.Add(route.ToString());
            }
        }

        Assert.Equal(expected.Order(StringComparer.Ordinal), served.Order(StringComparer.Ordinal));
    }

    private static async Task<HttpResponseMessage> AskAsync(HttpClient http, MappedRoute route, string? token)
    {
        using var request = new HttpRequestMessage(new HttpMethod(route.Method), route.Path("nothing"));
        if (route.Method is not "GET" and not "DELETE")
        {
            request.Content = new StringContent("{}", Encoding.UTF8, "application/json");
        }

        request.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        return await http.SendAsync(request).Within();
    }

    private static async Task<string?> DetailAsync(HttpResponseMessage answer) => JsonSerializer.Deserialize(await answer.Content.ReadAsStringAsync(), ProtocolJson.Wire.Problem)?.Detail;

    /// <summary>Tokens of every kind: a person's, an administrator's, to refresh with, and bots'.</summary>
    private static async Task<IReadOnlyList<string>> SignInAsync(InProcessServer server, string adminPassword)
    {
        var tokens = new List<string>();
        using var api = new ApiClient(server);
        foreach (var person in new[] { await api.RegisterAsync("ann"), await api.LoginAsync("admin", adminPassword) })
        {
            tokens.AddRange([person.AccessToken, person.RefreshToken]);
            tokens.Add((await ApiClient.ReadAsync<ApiToken>(await api.PostAsync("/api/tokens", new NewTokenRequest("bot"), person.AccessToken), HttpStatusCode.Created)).Token!);
        }

        return tokens;
    }

    /// <summary>A coordinator and a worker, which all tests ask.</summary>
    public sealed class Cluster : IAsyncLifetime
    {
        private readonly TemporaryFolder _folder = new();

        public string Secret { get; } = Convert.ToBase64String(RandomNumberGenerator.GetBytes(ClusterSecret.Size));

        public InProcessServer Coordinator { get; private set; } = null!;

        public InProcessServer Worker { get; private set; } = null!;

        public IReadOnlyList<string> Tokens { get; private set; } = [];

        public async Task InitializeAsync()
        {
            var port = FreePort.Next();
            Coordinator = await InProcessServer.StartAsync(options => options with { Mode = ServerMode.Coordinator, NodePort = port, ClusterSecret = Secret });
            Worker = await InProcessServer.StartAsync(options => options with
            {
                Mode = ServerMode.Worker,
                NodePort = FreePort.Next(),
                ClusterSecret = Secret,
                Coordinators = $"127.0.0.1:{port}",
                Store = EngineUrl.Under(_folder.Path, "sqlite", "messages.db"),
            });
            Worker.Log.Forbid(Secret);
            Coordinator.Log.Forbid(Secret);
            Tokens = await SignInAsync(Worker, Coordinator.AdminPassword);
        }

        public async Task DisposeAsync()
        {
            await Worker.DisposeAsync();
            await Coordinator.DisposeAsync();
            _folder.Dispose();
        }
    }
}
