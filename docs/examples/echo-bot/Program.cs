using DChat.Client;

var server = args.ElementAtOrDefault(0) ?? "http://localhost:8080";
var token = Environment.GetEnvironmentVariable("DCHAT_TOKEN") ?? throw new InvalidOperationException("Set DCHAT_TOKEN to an API token of the bot's account.");

await using var bot = new ChatClient(server);
var me = await bot.Account.UseTokenAsync(token);
using var messages = bot.Messages();
await bot.ConnectAsync();
Console.WriteLine($"{me.User} echoes in {bot.Rooms.Count} rooms; Ctrl-C ends it.");

await foreach (var (room, message) in messages)
{
    if (message.Author != me.User && message.Kind == "text" && message.DeletedAt is null)
    {
        await room.SendAsync($"{message.Author} said: {message.Body}", replyTo: message.Seq);
    }
}
