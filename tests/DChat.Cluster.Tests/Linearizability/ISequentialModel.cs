namespace DChat.Cluster.Tests.Linearizability;

/// <summary>What an object does when its calls come one at a time. Pure.</summary>
internal interface ISequentialModel<TState, TInput>
{
    TState Start { get; }

    /// <summary>What becomes of a state, and what is answered.</summary>
    (TState After, string Output) Step(TState state, TInput input);

    /// <summary>Equal for two states exactly where they answer everything alike for ever.</summary>
    string KeyOf(TState state);
}
