using DChat.Protocol;
using DChat.Server.Coordinator;
using DChat.Server.Http.Administration;
using DChat.Server.Http.Files;
using DChat.Server.Observability;
using DChat.Server.Security;

namespace DChat.Server.Http;

/// <summary>The HTTP side of the contract, feature by feature.</summary>
internal static class HttpApi
{
    public static void AddHttpApi(this WebApplicationBuilder builder)
    {
        builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, ProtocolJson.Wire));
        builder.Services.AddSingleton<RegistryWrites>();
        builder.Services.AddSingleton<SignInEndpoints>();
        builder.Services.AddSingleton<IApiEndpoints>(services => services.GetRequiredService<SignInEndpoints>());
        builder.Services.AddSingleton<IApiEndpoints, AccountEndpoints>();
        builder.Services.AddSingleton<IApiEndpoints, InfoEndpoints>();
        builder.Services.AddSingleton<RoomFiles>();
        builder.Services.AddHostedService<RoomFilePurge>();
        builder.Services.AddSingleton<IApiEndpoints, FileEndpoints>();
        builder.Services.AddSingleton<IApiEndpoints, AccountAdministration>();
        builder.Services.AddSingleton<IApiEndpoints, ClusterAdministration>();
        builder.Services.AddSingleton<IApiEndpoints, MemberAdministration>();
        builder.Services.AddSingleton<IApiEndpoints, RoomAdministration>();
        builder.Services.AddSingleton<IApiEndpoints, AuditEndpoint>();
        builder.Services.AddSingleton<IApiEndpoints, BulkUsersEndpoint>();
    }

    public static void MapHttpApi(this WebApplication app)
    {
        var services = app.Services;
        var router = new ApiRouter(
            app,
            services.GetRequiredService<SessionAuthenticator>(),
            services.GetRequiredService<RegistryReplica>(),
            services.GetRequiredService<DChatMetrics>(),
            services.GetRequiredService<TimeProvider>());
        foreach (var endpoints in services.GetServices<IApiEndpoints>())
        {
            endpoints.Map(router);
        }
    }
}
