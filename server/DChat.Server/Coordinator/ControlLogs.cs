using DChat.Core.ControlLog;
using DChat.Server.Cli;
using DChat.Storage.Etcd;
using DChat.Storage.Sqlite.ControlLog;

namespace DChat.Server.Coordinator;

/// <summary>The control log that the options name.</summary>
internal static class ControlLogs
{
    public static IControlLog Open(ServerOptions options, TimeProvider time, ILoggerFactory logs) => options.Log?.Etcd is { } etcd
        ? new EtcdControlLog(etcd, time, logs.CreateLogger<EtcdControlLog>())
        : SqliteControlLog.Open(options.LogPath);

    /// <summary>For reading, beside whoever writes it.</summary>
    public static IControlLogReader OpenReader(ServerOptions options, TimeProvider time, ILoggerFactory logs) =>
        options.SharesLog ? Open(options, time, logs) : SqliteControlLogReader.Open(options.LogPath, time);
}
