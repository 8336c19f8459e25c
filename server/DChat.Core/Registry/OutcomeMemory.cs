using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using DChat.Core.Registry.Collections;

namespace DChat.Core.Registry;

/// <summary>
/// The outcomes of the last commands, for repeats. Two generations: when the younger is full or has lasted 24 hours,
/// the older is forgotten and the younger takes its place.
/// </summary>
/// <remarks>Only what was carried out is remembered: a refusal changed nothing, so its repeat is decided anew.</remarks>
internal sealed record OutcomeMemory(PersistentMap<UInt128, OutcomeMemory.Kept> Young, PersistentMap<UInt128, OutcomeMemory.Kept> Old, long YoungSince)
{
    public static readonly OutcomeMemory Empty = new(default, default, 0);

    public Outcome? Find(string actor, string commandId, long now)
    {
        if (commandId.Length == 0)
        {
            return null;
        }

        var key = KeyOf(actor, commandId);
        return (Young.TryGet(key, out var kept) || Old.TryGet(key, out kept)) && now - kept.At < RegistryBounds.OutcomeLifetimeMs
            ? kept.Result.Length == 0 ? Outcome.Done : Outcome.Ok(kept.Result)
            : null;
    }

    public OutcomeMemory Remember(RegistryRecord record, object? owner)
    {
        if (record.CommandId.Length == 0)
        {
            return this;
        }

        var (young, old, since) = (Young, Old, YoungSince);
        if (young.Count >= RegistryBounds.Outcomes || record.At - since >= RegistryBounds.OutcomeLifetimeMs)
        {
            (young, old, since) = (default, young, record.At);
        }

        return new OutcomeMemory(young.Set(KeyOf(record.Actor, record.CommandId), new Kept(record.At, record.Outcome.Result), owner), old, since);
    }

    /// <summary>Half of a SHA-256: 16 bytes a command instead of its strings, and nobody finds two that collide.</summary>
    private static UInt128 KeyOf(string actor, string commandId) =>
        BinaryPrimitives.ReadUInt128BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes($"{actor}\n{commandId}")));

    internal readonly record struct Kept(long At, string Result);
}
