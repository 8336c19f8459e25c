namespace DChat.Terminal;

/// <summary>What <c>dchat</c> says with its exit code. Scripts rely on these numbers: they never change.</summary>
internal static class ExitCodes
{
    public const int Ok = 0;

    /// <summary>The server refused: no such room, not a member, wrong password, … <c>dchat load</c>: the check found something, or every send was refused.</summary>
    public const int Refused = 1;

    /// <summary>The command line is wrong, or names a file that cannot be read.</summary>
    public const int Usage = 2;

    /// <summary>Nobody is signed in, or the session ended.</summary>
    public const int NotSignedIn = 3;

    /// <summary>No server address answers, or the server cannot answer now.</summary>
    public const int Unreachable = 4;

    /// <summary>A defect of dchat itself.</summary>
    public const int Internal = 70;

    /// <summary>Ended by Ctrl-C, as shells count it (128 + SIGINT).</summary>
    public const int Interrupted = 130;
}
