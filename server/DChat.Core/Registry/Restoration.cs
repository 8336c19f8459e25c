namespace DChat.Core.Registry;

/// <summary>
/// By how much a restore lifts what only ever rises: revisions, epochs and indexes of the log. What was restored is a past state, and whoever
/// saw more than that must never meet a number again that he knows with another meaning.
/// </summary>
/// <remarks>
/// To a floor that rises with time, faster than any room changes: the same past state can be restored twice, also hours after a restore before
/// it, and gets other numbers each time. Where the floor is not above what was reached, because a clock was or is wrong: by <see cref="Gap"/>.
/// The floor passes 2^53, where JSON's numbers end, in some 4,000 years.
/// </remarks>
public static class Restoration
{
    /// <summary>More changes than anybody can have seen beyond the restored state.</summary>
    public const long Gap = 1L << 32;

    /// <summary>2026-01-01 UTC in Unix milliseconds: no restore is older.</summary>
    private const long Origin = 1_767_225_600_000;

    /// <summary>65,536 numbers a second: more than a room, or the log, can use.</summary>
    private const int BitsASecond = 16;

    /// <summary>What a lifted number is at least.</summary>
    /// <param name="at">When the restore is done, in Unix milliseconds UTC.</param>
    public static long Floor(long at) => Math.Max(0, at - Origin) / 1_000 << BitsASecond;

    /// <summary>A number above all that were given out since it was <paramref name="reached"/>.</summary>
    /// <inheritdoc cref="Floor"/>
    public static long Lift(long reached, long at) => Lift(reached, Gap, Floor(at));

    /// <summary>To the floor, or where that is not above, by the gap.</summary>
    internal static long Lift(long reached, long gap, long floor) => floor > reached ? floor : reached + gap;
}

/// <summary>What a restore makes of a registry beside what it was.</summary>
/// <param name="Index">The index of the log at which it stands from now on: lifted.</param>
/// <param name="Epoch">The highest epoch that is taken as given out: lifted, and no lower than any in the message store.</param>
/// <param name="Store">The id of the message store in which the rooms have their messages from now on.</param>
/// <param name="At">Unix milliseconds UTC.</param>
/// <param name="Text">Where it came from, for the audit trail.</param>
public sealed record RegistryRestoration(long Index, long Epoch, string Store, long At, string Text);
