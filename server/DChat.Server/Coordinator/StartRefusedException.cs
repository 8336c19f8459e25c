namespace DChat.Server.Coordinator;

/// <summary>The server does not start, because going on could lose or reveal what it keeps; the message says why and what to do.</summary>
public sealed class StartRefusedException(string message, Exception? inner = null) : Exception(message, inner);
