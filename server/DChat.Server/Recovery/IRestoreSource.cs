using DChat.Core.Messages;
using DChat.Core.Registry;

namespace DChat.Server.Recovery;

/// <summary>What a cluster can be begun anew from, every byte of which was checked.</summary>
internal interface IRestoreSource
{
    /// <summary>For people and the audit trail.</summary>
    string Name { get; }

    RegistryState Registry { get; }

    /// <summary>No index of the log that it knows of is higher.</summary>
    long HighestIndex { get; }

    /// <summary>Whether it brings the messages; else they are in a store already, or lost.</summary>
    bool HasMessages { get; }

    /// <summary>For people: what is in it besides the registry.</summary>
    string Contents { get; }

    /// <summary>Gives all that it holds, in order.</summary>
    Task ReplayAsync(IRestoreSink sink, CancellationToken cancellation);
}

/// <summary>Takes what a source holds.</summary>
internal interface IRestoreSink
{
    Task TakePieceAsync(RoomPiece piece, CancellationToken cancellation);

    /// <param name="content">Read to its end before the call ends.</param>
    Task TakeBlobAsync(string name, Stream content, CancellationToken cancellation);
}
