using DChat.Core.ControlLog;
using DChat.Storage.Memory;

namespace DChat.Storage.Tests.ControlLog;

public sealed class MemoryControlLogTests : SharedControlLogSpec
{
    private readonly MemoryControlCluster _cluster = new();

    public override void Dispose()
    {
        _cluster.Dispose();
        base.Dispose();
    }

    protected override Task<IControlLog> OpenAsync() => Task.FromResult<IControlLog>(new MemoryControlLog(_cluster));

    protected override Task DeposeAsync()
    {
        _cluster.Depose();
        return Task.CompletedTask;
    }
}
