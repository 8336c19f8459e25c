/// <summary>Runs inside of a <c>dchat</c> that was started with <see cref="Variable"/>, and lets it die. The runtime wants exactly this name, outside of any namespace.</summary>
internal static class StartupHook
{
    /// <summary>Names the assembly that holds a hook.</summary>
    public const string Variable = "DOTNET_STARTUP_HOOKS";

    /// <summary>Names the file whose appearance is the end, in the folder where the program runs.</summary>
    public const string CrashFile = "DCHAT_TEST_CRASH_FILE";

    public const string Message = "the test asked for a crash";

    public static void Initialize()
    {
        // Other programs of .NET that the shell may run have the variable too.
        if (Environment.GetEnvironmentVariable(CrashFile) is not { } name)
        {
            return;
        }

        var watcher = new FileSystemWatcher(Environment.CurrentDirectory, name);
        watcher.Created += (_, _) => new Thread(() => throw new InvalidOperationException(Message)).Start();
        watcher.EnableRaisingEvents = true;
        Kept = watcher;
    }

    private static FileSystemWatcher? Kept { get; set; }
}
