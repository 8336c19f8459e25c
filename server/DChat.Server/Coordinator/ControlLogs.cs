using System.Globalization;
using DChat.Core.ControlLog;
using DChat.Server.Cli;
using DChat.Server.EtcdMembers;
using DChat.Storage.Etcd;
using DChat.Storage.Sqlite.ControlLog;

namespace DChat.Server.Coordinator;

/// <summary>The control log that the options name.</summary>
internal static class ControlLogs
{
    /// <param name="own">Of the etcd member that the coordinator runs itself; null: it runs none.</param>
    public static IControlLog Open(ServerOptions options, EtcdUrl? own, TimeProvider time, ILoggerFactory logs) => (own ?? options.Log?.Etcd) is { } etcd
        ? new EtcdControlLog(etcd, time, logs.CreateLogger<EtcdControlLog>())
        : SqliteControlLog.Open(options.LogPath, time);

    /// <summary>For reading, beside whoever writes it.</summary>
    /// <exception cref="ConfigurationException">It is in a coordinator's own etcd member, and nobody can know where that answers.</exception>
    public static IControlLogReader OpenReader(ServerOptions options, TimeProvider time, ILoggerFactory logs) =>
        options.Peers is not null ? Open(options, OfMember(options), time, logs)
        : options.Log?.Etcd is not null ? Open(options, null, time, logs)
        : SqliteControlLogReader.Open(options.LogPath, time);

    private static EtcdUrl OfMember(ServerOptions options)
    {
        var member = MemberOptions.Of(options);
        return File.Exists(member.ClientPortPath) && int.TryParse(File.ReadAllText(member.ClientPortPath), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            ? (member with { ClientPort = port }).LogUrl
            : throw new ConfigurationException($"--data {options.Data}", $"the control log is in the etcd of coordinator {options.Node}, and none has run in this folder", "give the --data, --node and --peers of a coordinator of this machine that runs");
    }
}
