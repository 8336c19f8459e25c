using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Storage.Etcd;

namespace DChat.Server.EtcdMembers;

/// <summary>What makes a coordinator run its own etcd member.</summary>
internal static class MemberSetup
{
    /// <summary>To be called before the coordinator is added: the member starts before it and stops after it.</summary>
    public static void AddMember(this IServiceCollection services, ServerOptions options)
    {
        services.AddSingleton(provider =>
        {
            var member = MemberOptions.Of(options);
            member.WriteCertificates(provider.GetRequiredService<ClusterSecret>()); // Whoever uses the member reads them when it is made.
            return member;
        });
        services.AddSingleton(provider => new EtcdMembership(provider.GetRequiredService<MemberOptions>().LogUrl, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<MemberChanges>();
        services.AddSingleton<MemberService>().AddHostedService(provider => provider.GetRequiredService<MemberService>());
    }
}
