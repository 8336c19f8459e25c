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

    public static void AddSecurity(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddSingleton<RegistryKeyRepository>();
        services.AddDataProtection().SetApplicationName(ApplicationName).DisableAutomaticKeyGeneration();
        services.AddOptions<KeyManagementOptions>().Configure<RegistryKeyRepository>((keys, repository) => keys.XmlRepository = repository);
        services.AddSingleton<XmlKeyManager>();
        services.AddSingleton<IKeyManager, RegistryKeyManager>();
        services.AddAuthentication(BearerTokenDefaults.AuthenticationScheme).AddBearerToken();
        services.AddSingleton<SessionTokens>();
        services.AddSingleton<SessionAuthenticator>();
        services.AddSingleton<Passwords>();
        services.AddSingleton<IPasswordHashing>(provider => provider.GetRequiredService<Passwords>());
        services.AddSingleton<IProtectionKeyFactory, ProtectionKeyFactory>();
        services.AddSingleton<LoginLimits>();
    }
}
