using System.Text.Json.Serialization;

namespace DChat.Core.Registry;

/// <summary>What a command is answered.</summary>
/// <param name="Error">One of <see cref="Rooms.RefusalCodes"/>; null when it was carried out.</param>
/// <param name="Text">For people, when refused; else empty.</param>
/// <param name="Result">What the command says its result is, such as a room's id; empty where it has none.</param>
public sealed record Outcome(string? Error, string Text, string Result)
{
    public static readonly Outcome Done = new(null, "", "");

    [JsonIgnore]
    public bool IsOk => Error is null;

    public static Outcome Ok(string result) => new(null, "", result);

    public static Outcome Refused(string error, string text) => new(error, text, "");
}

/// <summary>What became of a command.</summary>
/// <param name="Events">Empty for a refusal, a repeat, and a command that changes nothing.</param>
/// <param name="Record">What must be committed before <paramref name="Outcome"/> is answered; null where there is nothing to commit.</param>
/// <param name="Repeat">The outcome is that of the same command before. It may stand in an entry that is not committed yet: answer it after that.</param>
public sealed record Decision(IReadOnlyList<RegistryEvent> Events, Outcome Outcome, RegistryRecord? Record, bool Repeat);
