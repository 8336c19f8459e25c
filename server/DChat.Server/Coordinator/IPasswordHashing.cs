namespace DChat.Server.Coordinator;

/// <summary>Hashes the first administrator's password the way sign-in verifies it.</summary>
public interface IPasswordHashing
{
    byte[] Hash(string user, string password);
}
