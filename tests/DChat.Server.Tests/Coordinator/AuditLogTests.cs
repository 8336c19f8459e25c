using DChat.Server.Tests.Contract;
using DChat.TestKit;

namespace DChat.Server.Tests.Coordinator;

public sealed class AuditLogTests(ContractServer server) : IClassFixture<ContractServer>
{
    [Fact]
    public async Task What_people_change_stands_in_the_leaders_log_on_a_line_of_its_own()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var room = await ann.MakeRoomAsync(ben);
        await ann.Hub.CallAsync("ban", new { room, user = ben.Name, reason = "spam\", \"of his" });
        var written = $", {ann.Name} ban, room \"{room}\", subject \"{ben.Name}\", \"spam\\\", \\\"of his\"";
        await Eventually.Holds(() => server.Server.Log.Lines.Count(line => line.Contains("audit: entry ", StringComparison.Ordinal) && line.Contains(written, StringComparison.Ordinal)) == 1);
    }
}
