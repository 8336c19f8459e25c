namespace DChat.Protocol;

/// <summary>The version of the contract and where it is served.</summary>
public static class ProtocolVersion
{
    /// <summary>The version of the contract: additive changes keep it, any other change raises it.</summary>
    public const int Current = 1;

    /// <summary>The path of the hub: a WebSocket that speaks the SignalR JSON hub protocol.</summary>
    public const string HubPath = "/chat";
}
