using System.CommandLine;
using DChat.Protocol;
using DChat.Server.EtcdMembers;

namespace DChat.Server.Cli.Administration;

/// <summary>The verbs about the etcd members that coordinators run.</summary>
internal static class MemberVerbs
{
    public static Command Make() => new("member", "the etcd members that the coordinators run (--peers)")
    {
        AdminVerbs.Verb("list", "all members: where each is, whether it is up, which leads etcd", async call =>
        {
            var members = await call.Client.GetAsync("api/admin/members", ProtocolJson.Wire.AdminMembers, call.Cancellation);
            call.Print(members, ProtocolJson.Wire.AdminMembers, AdminText.Members);
            if (members.Problem is { } problem)
            {
                throw new AdminException(problem);
            }
        }),
        Replace(),
    };

    private static Command Replace()
    {
        var member = new Argument<string>("member") { Description = "its name and where the new one will be reached, as in c2=10.0.0.9 or c2=10.0.0.9:2380" };
        var force = new Option<bool>("--force") { Description = "also where the old one still runs: it is thrown out, and its coordinator ends" };
        var verb = AdminVerbs.Verb("replace", "remove a member that is lost, and expect another one in its place", async call =>
        {
            var peer = Parse(call.Parsed.GetValue(member)!);
            var members = await call.Client.PostAsync(
                $"api/admin/members/{peer.Name}/replace", new ReplaceMemberRequest(peer.Address, call.Parsed.GetValue(force)), ProtocolJson.Wire.ReplaceMemberRequest, ProtocolJson.Wire.AdminMembers, call.Cancellation);
            call.Print(members, ProtocolJson.Wire.AdminMembers, (all, output) => AdminText.MemberReplaced(peer.Name, peer.Address, all, output));
        });
        verb.Arguments.Add(member);
        verb.Options.Add(force);
        return verb;
    }

    private static Peer Parse(string text)
    {
        try
        {
            return PeerList.ParseOne(text);
        }
        catch (FormatException problem)
        {
            throw new ConfigurationException($"member replace {text}", problem.Message, "give NAME=HOST or NAME=HOST:PORT, such as c2=10.0.0.9");
        }
    }
}
