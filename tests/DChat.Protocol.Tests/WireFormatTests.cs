using System.Text.Json;
using DChat.Protocol;

namespace DChat.Protocol.Tests;

public sealed class WireFormatTests
{
    [Fact]
    public void Names_are_camel_case_and_what_is_absent_is_left_out()
    {
        var json = JsonSerializer.Serialize(new SendRequest("r", "c", "hi"), ProtocolJson.Wire.SendRequest);
        Assert.Equal("""{"room":"r","clientId":"c","body":"hi"}""", json);
    }

    [Fact]
    public void Text_goes_out_as_it_is()
    {
        var json = JsonSerializer.Serialize(new SendRequest("r", "c", "é👋<b>"), ProtocolJson.Wire.SendRequest);
        Assert.Contains("é👋<b>", System.Text.RegularExpressions.Regex.Unescape(json), StringComparison.Ordinal);
    }

    [Fact]
    public void Unknown_properties_are_ignored_and_null_is_absent()
    {
        var request = JsonSerializer.Deserialize("""{"room":"r","later":{"x":[1]},"afterRev":null}""", ProtocolJson.Wire.SubscribeRequest);
        Assert.Equal(new SubscribeRequest("r"), request);
    }

    [Theory]
    [InlineData("""{"room":5}""")]
    [InlineData("""{"room":"r","afterRev":"5"}""")]
    [InlineData("""{"room":"r","afterRev":1.5}""")]
    public void A_wrong_type_does_not_bind(string json) =>
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize(json, ProtocolJson.Wire.SubscribeRequest));

    [Fact]
    public void Methods_and_events_are_named_as_the_contract_names_them()
    {
        Assert.Equal(
            ["ban", "bans", "createRoom", "delete", "deleteRoom", "edit", "history", "invite", "joinRoom", "kick", "leaveRoom", "listRooms", "markRead", "members", "mute", "openDirect", "react", "search", "send", "setPresence", "setRole", "subscribe", "sync", "typing", "unban", "unsubscribe", "updateRoom"],
            Constants(typeof(HubMethods)));
        Assert.Equal(
            ["events", "presence", "read", "reconnect", "reconnectSpread", "resync", "roomChanged", "roomRemoved", "signedOut", "typing"],
            Constants(typeof(HubEvents)));
    }

    private static IEnumerable<string> Constants(Type type) =>
        type.GetFields().Select(field => (string)field.GetRawConstantValue()!).Order(StringComparer.Ordinal);
}
