using System.Diagnostics;
using System.Runtime.InteropServices;
using DChat.Cluster.Tests.EtcdMembers;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Chaos;

/// <summary>The etcd that a coordinator runs now.</summary>
internal sealed class OwnEtcd : IDisposable
{
    private const int SigCont = 18;
    private const int SigStop = 19;

    private readonly Process _process;

    private OwnEtcd(Process process) => _process = process;

    public int Id => _process.Id;

    public static OwnEtcd Of(ServerProcess coordinator) => new(Process.GetProcessById(MemberCluster.EtcdOf(coordinator)));

    public void Kill() => _process.Kill();

    public void Freeze() => _ = Signal(Id, SigStop);

    public void Thaw() => _ = Signal(Id, SigCont);

    public void Dispose() => _process.Dispose();

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int Signal(int processId, int signal);
}
