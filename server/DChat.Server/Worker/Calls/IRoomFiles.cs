using DChat.Core.Messages;

namespace DChat.Server.Worker.Calls;

/// <summary>The files that were uploaded to rooms.</summary>
internal interface IRoomFiles
{
    /// <summary>A file that this user uploaded to this room, or null.</summary>
    Task<AttachedFile?> FindAsync(string room, string user, string id, CancellationToken cancellation);
}
