using DChat.Core.Messages;
using DChat.Server.Http.Files;

namespace DChat.Server.Worker.Calls;

/// <summary>Looks files up where the HTTP API stores them.</summary>
internal sealed class UploadedFiles(RoomFiles files) : IRoomFiles
{
    public async Task<AttachedFile?> FindAsync(string room, string user, string id, CancellationToken cancellation)
    {
        if (FileId.Parse(id) is not { } parsed || parsed.Room != room)
        {
            return null;
        }

        var file = await files.FindAsync(parsed, cancellation).ConfigureAwait(false);
        return file is not null && file.User == user ? new AttachedFile(file.Id, file.Name, file.Size, file.Type) : null;
    }
}
