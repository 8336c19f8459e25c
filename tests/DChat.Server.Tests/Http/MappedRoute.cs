using System.Text.RegularExpressions;
using DChat.TestKit;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace DChat.Server.Tests.Http;

/// <summary>An address that a server answers, with a method that it takes there.</summary>
/// <param name="Pattern">With its parameters in braces.</param>
internal sealed partial record MappedRoute(string Method, string Pattern)
{
    /// <summary>All that a server maps, at whichever of its doors: what a test asks of all of them it asks of the next one too.</summary>
    public static IReadOnlyList<MappedRoute> Of(InProcessServer server)
    {
        var mapped = server.Services.GetRequiredService<EndpointDataSource>().Endpoints.Select(endpoint => Assert.IsType<RouteEndpoint>(endpoint))
            .SelectMany(endpoint => Assert.IsAssignableFrom<IHttpMethodMetadata>(endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()).HttpMethods
                .Select(method => new MappedRoute(method, endpoint.RoutePattern.RawText!)))
            .ToList();
        Assert.NotEmpty(mapped);
        return mapped;
    }

    /// <summary>The address, with the same for each parameter.</summary>
    public string Path(string parameter) => Parameter().Replace(Pattern, parameter);

    public override string ToString() => $"{Method} {Pattern}";

    [GeneratedRegex(@"\{[^}]+\}", RegexOptions.CultureInvariant)]
    private static partial Regex Parameter();
}
