namespace DChat.Terminal.Invocation;

/// <summary>What was asked for cannot be done as it was asked; the message says what to do instead.</summary>
internal sealed class UsageException(string message, Exception? inner = null) : Exception(message, inner);
