using DChat.Protocol;

namespace DChat.Server.Http;

/// <summary>The HTTP side of the contract.</summary>
internal static class HttpApi
{
    public static void AddHttpApi(this WebApplicationBuilder builder)
    {
        builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, ProtocolJson.Wire));
    }

    public static void MapHttpApi(this WebApplication app)
    {
        app.MapGet("/health/live", () => Results.Text("live"));
    }
}
