#pragma warning disable
using DChat.Core.Registry;
namespace DChat.Server.Coordinator
{
    public sealed record CommandResult(long Index, Outcome Outcome);
    public interface IRegistryCommands { Task<CommandResult> SubmitAsync(Command command, CancellationToken cancellation); }
    public interface IRegistryObserver { void Applied(RegistryState before, RegistryState after, long index, RegistryEntry entry); }
    public sealed class RegistryReplica
    {
        public RegistryState State => RegistryState.Empty;
        public void Observe(IRegistryObserver observer) { }
        public Task<bool> WaitForAsync(long index, TimeSpan limit, CancellationToken cancellation) => Task.FromResult(true);
    }
}
namespace DChat.Server.Security
{
    public sealed record Session(string User, string SessionId, bool IsBot, long IssuedIndex) { public bool IsAllowedBy(RegistryState s) => true; }
    public sealed class SessionAuthenticator { public ValueTask<Session?> AuthenticateAsync(string? token, CancellationToken c) => default; }
    public sealed class Passwords { public Task<byte[]> HashAsync(string p, CancellationToken c) => throw new Exception(); public Task<bool> VerifyAsync(byte[] h, string p, CancellationToken c) => throw new Exception(); }
}
