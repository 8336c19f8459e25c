namespace DChat.Server.Cli;

/// <summary>The options as they were merged, and where each value came from.</summary>
/// <param name="Origins">By key: <c>default</c>, <c>file …</c>, <c>environment DCHAT__…</c> or <c>flag --…</c>.</param>
public sealed record Configuration(ServerOptions Options, IReadOnlyDictionary<string, string> Origins);

/// <summary>What is wrong with the configuration, for the person who wrote it.</summary>
/// <param name="Where">The flag, and where its value came from.</param>
/// <param name="Problem">What is wrong with the value.</param>
/// <param name="Remedy">What to do.</param>
public sealed record ConfigurationError(string Where, string Problem, string Remedy)
{
    public override string ToString() => $"{Where}: {Problem}{Environment.NewLine}  remedy: {Remedy}";
}

/// <summary>The server can not start as it is configured; says everything that is wrong.</summary>
public sealed class ConfigurationException(IReadOnlyList<ConfigurationError> errors)
    : Exception(string.Join(Environment.NewLine, errors))
{
    public ConfigurationException(string where, string problem, string remedy)
        : this([new ConfigurationError(where, problem, remedy)])
    {
    }

    public IReadOnlyList<ConfigurationError> Errors { get; } = errors;
}
