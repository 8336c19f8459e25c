namespace DChat.Cluster.Tests.Linearizability;

/// <summary>One call of a history, as its caller saw it.</summary>
/// <param name="Client">Who called. Calls of one client whose outcome is known come one after the other, in the order of the history.</param>
/// <param name="From">
/// It took effect at this time at the earliest: when it was called. Of a read that a replica answers and that promises no more than its caller's
/// own doings: when the call of his before was made.
/// </param>
/// <param name="To">When it was answered; null: it was not, and took effect at any time since, or never will.</param>
/// <param name="Output">What it was answered; nothing where that is unknown.</param>
internal sealed record Operation<TInput>(int Client, TInput Input, long From, long? To, string Output);
