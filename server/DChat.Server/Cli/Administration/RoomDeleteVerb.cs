using System.CommandLine;
using DChat.Protocol;

namespace DChat.Server.Cli.Administration;

/// <summary><c>room delete</c>: for ever, so it shows the room and asks.</summary>
internal static class RoomDeleteVerb
{
    public static Command Make()
    {
        var yes = new Option<bool>("--yes") { Description = "do not ask" };
        var verb = AdminVerbs.RoomVerb("delete", "delete a room and all that was said in it, for ever", async (call, room) =>
        {
            var found = await call.Client.GetAsync($"api/admin/rooms/{room}", ProtocolJson.Wire.AdminRoom, call.Cancellation);
            if (!call.Parsed.GetValue(yes))
            {
                await ConfirmAsync(found, call.Cancellation);
            }

            await call.Client.DoAsync(HttpMethod.Delete, $"api/admin/rooms/{Uri.EscapeDataString(found.Id)}", call.Cancellation);
            call.Say($"deleted {found.Id}");
        });
        verb.Options.Add(yes);
        return verb;
    }

    /// <exception cref="ConfigurationException">There is nobody to ask.</exception>
    /// <exception cref="AdminException">The answer is no.</exception>
    private static async Task ConfirmAsync(AdminRoom room, CancellationToken cancellation)
    {
        if (Console.IsInputRedirected)
        {
            throw new ConfigurationException("room delete", "it asks before it deletes for ever, and there is no terminal to ask at", $"look with dchat-server room show {room.Id}, then give --yes");
        }

        AdminText.Room(room, Console.Error);
        await Console.Error.WriteAsync("Delete it and all that was said in it, for ever? Type yes: ");

        // The console knows no token, so nobody waits for it.
        if ((await Task.Run(Console.ReadLine, cancellation).WaitAsync(cancellation))?.Trim() != "yes")
        {
            throw new AdminException("nothing was deleted");
        }
    }
}
