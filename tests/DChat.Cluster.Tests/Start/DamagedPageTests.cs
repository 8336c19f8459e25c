using System.Globalization;
using DChat.Storage.Sqlite;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Start;

/// <summary>A page that is damaged, and is met only while the server serves.</summary>
public sealed class DamagedPageTests
{
    [Fact]
    public async Task A_damaged_page_met_while_a_room_opens_ends_the_process_and_names_the_remedy()
    {
        using var folder = new TemporaryFolder();
        var data = folder["data"];
        await using var server = await ServerProcess.StartAsync(data: data);
        using var http = server.CreateHttpClient();
        var crowd = await Crowd.MakeAsync(http, server.AdminPassword, users: 1);
        await using (var before = await HubProbe.ConnectAsync(server.Client, crowd.Token(0)))
        {
            await before.CallAsync("send", new { room = crowd.Room, clientId = "1", body = "kept" });
        }

        Assert.Equal(0, await server.TerminateAsync());
        DamageTable(Path.Combine(data, "messages.db"), "rooms");
        await server.RestartAsync();
        server.Log.ExpectErrors(".");

        await using var probe = await HubProbe.ConnectAsync(server.Client, crowd.Token(0));
        _ = probe.BeginCall("send", new { room = crowd.Room, clientId = "2", body = "lost" }).ContinueWith(static sent => sent.Exception, TaskScheduler.Default);
        Assert.NotEqual(0, await server.WaitForExitAsync());

        var said = server.Log.ToString();
        Assert.Contains("the opening of rooms broke", said);
        Assert.Contains("messages.db", said);
        Assert.Contains("Remedy: ", said);
    }

    private static void DamageTable(string path, string table)
    {
        long page;
        int size;
        using (var connection = SqliteFile.Open(path, SqliteSynchronous.Full))
        {
            page = long.Parse(SqliteFile.ReadText(connection, $"SELECT rootpage FROM sqlite_schema WHERE name = '{table}'")!, CultureInfo.InvariantCulture);
            size = int.Parse(SqliteFile.ReadText(connection, "PRAGMA page_size")!, CultureInfo.InvariantCulture);
            SqliteFile.Execute(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
        }

        using var file = File.OpenWrite(path);
        file.Position = (page - 1) * size;
        file.Write(Enumerable.Repeat((byte)'x', size).ToArray());
    }
}
