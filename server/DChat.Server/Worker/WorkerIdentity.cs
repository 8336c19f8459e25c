using System.Security.Cryptography;
using System.Text;
using DChat.Storage.Files;

namespace DChat.Server.Worker;

/// <summary>Which worker this process is.</summary>
/// <param name="Id">Stays the same across restarts: it is kept beside the data.</param>
/// <param name="Incarnation">Random, of this process: a restarted worker is told from one that is still there.</param>
internal sealed record WorkerIdentity(string Id, string Incarnation)
{
    private const string FileName = "worker-id";
    private const int IdBytes = 5;
    private const int IncarnationBytes = 8;

    public static WorkerIdentity Load(string dataFolder)
    {
        var path = Path.Combine(dataFolder, FileName);
        var id = File.Exists(path) ? File.ReadAllText(path).Trim() : "";
        if (id.Length == 0)
        {
            id = "w-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IdBytes));
            File.Delete(path); // Empty: what was in it is lost.
            PrivateFile.Create(path, Encoding.ASCII.GetBytes(id + "\n"));
        }

        return new WorkerIdentity(id, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IncarnationBytes)));
    }
}
