using System.Globalization;
using System.Runtime.InteropServices;

namespace DChat.Server.EtcdMembers;

/// <summary>
/// This program as the first moments of a child: it has the kernel end it with its parent, leaves the terminal's group, and becomes etcd. Only the
/// child itself can ask for that, and <c>Process</c> has no means to.
/// </summary>
internal static class MemberLauncher
{
    private const string Verb = "become-etcd";
    private const int SetParentDeathSignal = 1;
    private const int SigKill = 9;
    private const int CouldNot = 126;

    public static bool IsAsked(string[] args) => args is [Verb, _, _, ..];

    /// <summary>The program and arguments with which this process starts a child.</summary>
    public static (string Program, IReadOnlyList<string> Arguments) Command(string program, IEnumerable<string> arguments)
    {
        var own = Environment.ProcessPath ?? throw new InvalidOperationException("the program's path is not known");
        string[] before = Path.GetFileNameWithoutExtension(own) == "dotnet" ? [Environment.GetCommandLineArgs()[0]] : [];
        return (own, [.. before, Verb, Environment.ProcessId.ToString(CultureInfo.InvariantCulture), program, .. arguments]);
    }

    /// <summary>Does not return where it succeeds.</summary>
    public static int Run(string[] args)
    {
        // SIGKILL: etcd loses nothing by it, and lets go of its ports and files at once. It stays through execve.
        if (PrCtl(SetParentDeathSignal, SigKill, 0, 0, 0) != 0)
        {
            return Failed("prctl");
        }

        if (GetParent() != int.Parse(args[1], CultureInfo.InvariantCulture))
        {
            return CouldNot; // The parent ended before the kernel was asked.
        }

        _ = SetSession(); // Ctrl-C is for the parent, which stops the child when it needs it no more.
        string?[] arguments = [.. args[2..], null];
        _ = Execute(args[2], arguments);
        return Failed(args[2]);
    }

    private static int Failed(string what)
    {
        Console.Error.WriteLine($"panic: {what}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
        return CouldNot;
    }

    [DllImport("libc", EntryPoint = "prctl", SetLastError = true)]
    private static extern int PrCtl(int option, nuint argument, nuint second, nuint third, nuint fourth);

    [DllImport("libc", EntryPoint = "getppid")]
    private static extern int GetParent();

    [DllImport("libc", EntryPoint = "setsid", SetLastError = true)]
    private static extern int SetSession();

    [DllImport("libc", EntryPoint = "execv", SetLastError = true, CharSet = CharSet.Ansi)]
    private static extern int Execute(string path, string?[] arguments);
}
