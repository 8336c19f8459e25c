namespace DChat.Server.Coordinator;

/// <summary>
/// This node applied an entry that the control log does not hold, or holds another of its index: the log was put back as it was before, or is another
/// cluster's. Whatever is applied upon that is another registry than the others'.
/// </summary>
public sealed class RegistryForkException(string what)
    : Exception($"{what}: the control log was put back as it was before, or is another cluster's. Remedy: start this process again; it takes the registry as the log has it.");
