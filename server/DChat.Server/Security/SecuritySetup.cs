using DChat.Server.Cli;
using DChat.Server.Coordinator;
using Microsoft.AspNetCore.Authentication.BearerToken;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.Extensions.Options;

namespace DChat.Server.Security;

/// <summary>Passwords, tokens and who stands behind them.</summary>
internal static class SecuritySetup
{
    /// <summary>Part of what tokens are protected for: the same on every node and for ever.</summary>
    private const string ApplicationName = "dchat";

    public static void AddSecurity(this WebApplicationBuilder builder, ServerOptions options)
    {
        var services = builder.Services;
        services.AddSingleton<Passwords>();
        services.AddSingleton<IPasswordHashing>(provider => provider.GetRequiredService<Passwords>());
        services.AddSingleton<IProtectionKeyFactory, ProtectionKeyFactory>();
        if (options.IsWorker)
        {
            AddSessions(services);
        }
    }

    /// <summary>Of whoever serves users: a coordinator alone protects no tokens, and one that stands by may not have the keys yet.</summary>
    private static void AddSessions(IServiceCollection services)
    {
        services.AddSingleton<RegistryKeyRepository>();
        services.AddDataProtection().SetApplicationName(ApplicationName).DisableAutomaticKeyGeneration();
        services.AddOptions<KeyManagementOptions>().Configure<RegistryKeyRepository>((keys, repository) => keys.XmlRepository = repository);
        services.AddSingleton<XmlKeyManager>();
        services.AddSingleton<IKeyManager, RegistryKeyManager>();
        services.AddAuthentication(BearerTokenDefaults.AuthenticationScheme).AddBearerToken();
        services.AddSingleton<SessionTokens>();
        services.AddSingleton<SessionAuthenticator>();
        services.AddSingleton<LoginLimits>();
    }
}
