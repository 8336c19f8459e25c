using DChat.Core.ControlLog;
using DChat.Server.Cli;
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
    public static IControlLogReader OpenReader(ServerOptions options, TimeProvider time, ILoggerFactory logs) =>
        options.Log?.Etcd is not null ? Open(options, null, time, logs) : SqliteControlLogReader.Open(options.LogPath, time);
}
