using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace DChat.Server.EtcdMembers;

/// <summary>The peer port of a coordinator without data: tells the others so, until etcd takes the port over. Only who shows a certificate of the cluster gets in.</summary>
internal sealed class FoundingDoor : IAsyncDisposable
{
    private const int ConnectionsMax = 64;

    private readonly WebApplication _app;

    private FoundingDoor(WebApplication app) => _app = app;

    /// <exception cref="IOException">It cannot listen there.</exception>
    public static async Task<FoundingDoor> OpenAsync(MemberOptions options, Func<FoundingOffer> offer, CancellationToken cancellation)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "dchat-server", EnvironmentName = "Production" });
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = ConnectionsMax;
            kestrel.Limits.MaxRequestBodySize = 0;
            kestrel.Listen(options.Listen, options.Self.Port, listen => listen.UseHttps(new HttpsConnectionAdapterOptions
            {
                ServerCertificate = PeerCalls.Load(options),
                ClientCertificateMode = ClientCertificateMode.RequireCertificate,
                ClientCertificateValidation = (certificate, _, _) => IsOurs(options, certificate),
            }));
        });
        var app = builder.Build();
        app.UseRouting();
        app.MapGet(PeerCalls.FoundingPath, () => Results.Json(offer(), MemberJson.Default.FoundingOffer));
        var door = new FoundingDoor(app);
        try
        {
            await app.StartAsync(cancellation);
            return door;
        }
        catch
        {
            await door.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await _app.StopAsync(now.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _app.DisposeAsync();
    }

    private static bool IsOurs(MemberOptions options, X509Certificate2 certificate)
    {
        using var chain = new X509Chain { ChainPolicy = PeerCalls.Policy(options) };
        return chain.Build(certificate);
    }
}
