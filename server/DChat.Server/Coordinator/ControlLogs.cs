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
        : SqliteControlLog.Open(options.LogPath);

    /// <summary>For reading, beside whoever writes it.</summary>
    /// <exception cref="ConfigurationException">It is in a coordinator's own etcd member, and nobody can know where that answers.</exception>
    public static IControlLogReader OpenReader(ServerOptions options, TimeProvider time, ILoggerFactory logs) =>
        options.Peers is not null ? Open(options, OfMember(options), time, logs)
        : options.Log?.Etcd is not null ? Open(options, null, time, logs)
        : SqliteControlLogReader.Open(options.LogPath, time);

    private static EtcdUrl OfMember(ServerOptions options) => options.EtcdPort > 0
        ? MemberOptions.Of(options).LogUrl
        : throw new ConfigurationException("--etcd-port", "the control log is in this coordinator's own etcd member, whose port of the loopback is any that is free", "start the coordinator with an --etcd-port, and give the same here");
}
