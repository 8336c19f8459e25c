using DChat.TestKit;

namespace DChat.Cluster.Tests.Chaos;

/// <summary>To whom a fault happens.</summary>
internal enum Victim
{
    Nobody,
    Worker,
    Coordinator,
    Store,
    Log,
    Blobs,
}

/// <summary>Something that goes wrong for a while, or that an operator does.</summary>
/// <param name="DoAsync">Does it and undoes it. Given: who suffers, for <see cref="Victim.Worker"/>; answers what it did exactly, where its kind does not say it.</param>
internal sealed record Fault(string Kind, Victim Victim, Func<ServerProcess?, Task<string>> DoAsync);
