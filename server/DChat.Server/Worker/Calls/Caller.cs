using DChat.Server.Security;
using DChat.Server.Worker.Gateway;

namespace DChat.Server.Worker.Calls;

/// <summary>Who calls: over a connection, or over HTTP.</summary>
/// <param name="Connection">Null over HTTP.</param>
internal sealed record Caller(Session Session, LocalUser User, ChatConnection? Connection)
{
    public string Name => User.Name;
}
