namespace DChat.Storage.Etcd;

/// <summary>What is said of an etcd whose database has reached its quota.</summary>
internal static class EtcdFull
{
    public const string Problem = "its database is full: it has reached its quota, and takes no writes";

    public const string Remedy =
        "give every member a larger quota (--etcd-quota-mb of the coordinators, --quota-backend-bytes of an etcd of your own) and start it anew; a coordinator that reaches it ends the alarm within seconds. See that the blob store answers: without snapshots the log is not truncated";
}
