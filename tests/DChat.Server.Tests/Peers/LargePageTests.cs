using System.Text.Json.Nodes;
using DChat.Protocol;
using DChat.Server.Tests.Contract;
using DChat.TestKit;

namespace DChat.Server.Tests.Peers;

/// <summary>Pages that a gateway without a message store reads at a host, with messages as long as they may be.</summary>
public sealed class LargePageTests
{
    private const int SendsAtOnce = 20;

    [Fact]
    public async Task A_page_of_long_messages_beyond_ASCII_comes_whole()
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 1, gateways: 1);
        await using var ann = await cluster.PersonAsync(1);
        var room = await FillAsync(cluster, ann, new string('語', ProtocolLimits.BodyMax - 4));
        Assert.Equal(ProtocolLimits.PageMax, (await ann.Hub.HistoryAsync(room, ProtocolLimits.PageMax)).Length);
    }

    [Fact]
    public async Task G5_a_page_that_fits_into_no_frame_comes_in_parts_and_says_that_there_is_more()
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 1, gateways: 1);
        await using var ann = await cluster.PersonAsync(1);

        // What JSON escapes to six bytes: with two hundred of them a page is larger than a frame.
        var room = await FillAsync(cluster, ann, new string('\u0001', ProtocolLimits.BodyMax - 4));
        var (seqs, before) = (new List<long>(), (long?)null);
        JsonNode page;
        do
        {
            page = (await ann.Hub.CallAsync("history", new { room, beforeSeq = before, limit = ProtocolLimits.PageMax }))!;
            var messages = Chat.Messages(page);
            Assert.InRange(messages.Length, 1, ProtocolLimits.PageMax - 1);
            seqs.InsertRange(0, messages.Select(message => (long)message["seq"]!));
            before = seqs[0];
        }
        while ((bool)page["more"]!);
        Assert.Equal(Enumerable.Range(1, seqs.Count).Select(seq => (long)seq), seqs);

        // What the host has no more at hand is read from the store.
        var (revs, after) = (new List<long>(), 0L);
        do
        {
            page = await ann.Hub.SubscribeAsync(room, after);
            revs.AddRange(Chat.Messages(page).Select(message => (long)message["rev"]!));
            after = revs[^1];
        }
        while ((bool)page["more"]!);
        Assert.Equal(Enumerable.Range(1, revs.Count).Select(rev => (long)rev), revs);
        Assert.Equal((long)page["rev"]!, after);

        await Eventually.Holds(() => cluster.Store.SearchLag == default);
        var (found, next) = (new List<long>(), (string?)null);
        do
        {
            page = (await ann.Hub.CallAsync("search", new { query = "word", room, after = next, limit = ProtocolLimits.PageMax }))!;
            found.AddRange(page["hits"]!.AsArray().Select(hit => (long)hit!["message"]!["seq"]!));
            next = (string?)page["next"];
        }
        while (next is not null);
        Assert.Equal(seqs.TakeLast(ProtocolLimits.PageMax).Reverse(), found);
        Assert.Equal(seqs.Count + 1, (await cluster.ExportAsync(1, room)).Length);
    }

    /// <summary>A room with as many long messages as one page may hold.</summary>
    private static async Task<string> FillAsync(PeerCluster cluster, Person owner, string filling)
    {
        var room = await cluster.MakeRoomAsync(0, owner);
        foreach (var some in Enumerable.Range(0, ProtocolLimits.PageMax).Chunk(SendsAtOnce))
        {
            await Task.WhenAll(some.Select(_ => owner.Hub.SendAsync(room, "word" + filling))).Within();
        }

        return room;
    }
}
