using System.Text.Json.Serialization;

namespace DChat.Core.Registry;

/// <summary>One entry of the log: what waited when it was written, in order.</summary>
/// <param name="Version">The format, <see cref="RegistryEntryCodec.Version"/>.</param>
/// <param name="At">Unix milliseconds UTC; for people, and to tell entries apart (<see cref="EntryMark"/>). Nothing is decided by it.</param>
public sealed record RegistryEntry(int Version, long At, IReadOnlyList<RegistryRecord> Records);

/// <summary>A command that was carried out.</summary>
/// <param name="At">The command's.</param>
public sealed record RegistryRecord(string CommandId, string Actor, long At, IReadOnlyList<RegistryEvent> Events, Outcome Outcome)
{
    private int _encodedSize;

    /// <summary>Bytes that the record takes in an entry.</summary>
    [JsonIgnore]
    public int EncodedSize => _encodedSize != 0 ? _encodedSize : _encodedSize = RegistryEntryCodec.Measure(this);
}
