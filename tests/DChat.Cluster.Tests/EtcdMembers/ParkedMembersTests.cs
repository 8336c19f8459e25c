using System.Globalization;
using System.Text;
using DChat.Core.ControlLog;
using DChat.Core.Registry;
using DChat.Storage.Etcd;
using DChat.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Cluster.Tests.EtcdMembers;

/// <summary>Coordinators that are older than what one that led wrote: the log is theirs to keep all the same.</summary>
public sealed class ParkedMembersTests
{
    [Fact]
    public async Task Coordinators_that_park_keep_their_etcd_and_the_log_its_majority_also_when_they_start_again()
    {
        await using var cluster = await MemberCluster.StartAsync(3);
        var (c1, c2, c3) = (cluster.Coordinators["c1"], cluster.Coordinators["c2"], cluster.Coordinators["c3"]);
        await using var log = new EtcdControlLog(EtcdUrl.Parse(UrlOf(c1)), TimeProvider.System, NullLogger<EtcdControlLog>.Instance);
        await Eventually.Holds(async () => (await log.ReadBoundsAsync(CancellationToken.None)).Last > 0);
        await using var newer = await LeadAsync(log);
        foreach (var coordinator in cluster.Coordinators.Values)
        {
            coordinator.Log.ExpectErrors("parks");
        }

        await AppendNewerAsync(log, newer);

        foreach (var coordinator in cluster.Coordinators.Values)
        {
            await Eventually.Holds(async () => await Metrics.ReadAsync(coordinator, "dchat_coordinator_parked") == 1);
        }

        await c2.KillAsync();
        await c2.RestartAsync();
        Assert.Equal(1, await Metrics.ReadAsync(c2, "dchat_coordinator_parked"));
        await c3.KillAsync(); // The others are the majority now.
        await AppendNewerAsync(log, newer);
        Assert.All([c1, c2], coordinator => Assert.True(MemberCluster.Runs(MemberCluster.EtcdOf(coordinator))));
        Assert.Equal(0, await Metrics.ReadAsync(c1, "dchat_etcd_ends_total"));
        await c3.RestartAsync();
    }

    private static string UrlOf(ServerProcess coordinator)
    {
        var tls = Path.Combine(coordinator.Data, "etcd", "tls");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{EtcdUrl.Scheme}127.0.0.1:{MemberCluster.ClientPortOf(coordinator)}?ca={Path.Combine(tls, "ca.pem")}&cert={Path.Combine(tls, "member.pem")}&key={Path.Combine(tls, "member.key")}&lease=60");
    }

    /// <summary>Takes the lead, and from none of the coordinators for long: each campaigns as well.</summary>
    private static async Task<ILeadership> LeadAsync(EtcdControlLog log)
    {
        const string Here = "127.0.0.1:1";
        var campaign = log.CampaignAsync(Here, CancellationToken.None);
        await Eventually.Holds(async () =>
        {
            if (!campaign.IsCompleted && await log.ReadLeaderAsync(CancellationToken.None) is { } other && other.Advertise != Here)
            {
                await log.DeposeAsync(other.Term, CancellationToken.None);
            }

            return campaign.IsCompleted;
        });
        return await campaign;
    }

    private static async Task AppendNewerAsync(EtcdControlLog log, ILeadership leadership)
    {
        var entry = Encoding.UTF8.GetBytes($$"""{"version":{{RegistryEntryCodec.Version + 1}}}""");
        await Eventually.Holds(async () =>
        {
            try
            {
                var last = (await log.ReadBoundsAsync(CancellationToken.None)).Last;
                return await log.AppendAsync(leadership.Term, last + 1, entry, CancellationToken.None) == AppendOutcome.Committed;
            }
            catch (ControlLogUnavailableException)
            {
                return false; // etcd elects.
            }
        });
    }
}
