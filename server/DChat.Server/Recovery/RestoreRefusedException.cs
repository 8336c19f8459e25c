namespace DChat.Server.Recovery;

/// <summary>A backup or restore cannot be done with what is there. The message names it and the remedy; nothing was changed unless it says so.</summary>
internal sealed class RestoreRefusedException(string message, Exception? inner = null) : Exception(message, inner);
