namespace DChat.TestKit;

/// <summary>Where the built server is, in the configuration in which the tests were built.</summary>
public static class ServerBinary
{
    /// <summary>The folder of <c>DChat.sln</c>.</summary>
    public static string Root { get; } = FindRoot();

    public static string Path { get; } = Built("server/DChat.Server", "dchat-server");

    /// <summary>Where the programs are that are run instead of those that were built here (<c>DCHAT_PROGRAMS</c>), such as precompiled or older ones; null without.</summary>
    public static string? Programs => Environment.GetEnvironmentVariable("DCHAT_PROGRAMS") is { Length: > 0 } folder ? folder : null;

    /// <summary>The path of a project's program.</summary>
    public static string Built(string project, string program)
    {
        if (Programs is { } programs && System.IO.Path.Combine(programs, program) is var given && File.Exists(given))
        {
            return given;
        }

        // …/tests/X/bin/CONFIGURATION/net10.0/
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        var path = System.IO.Path.Combine(Root, project, "bin", output.Parent!.Name, output.Name, program);
        return File.Exists(path) ? path : throw new FileNotFoundException($"build {project} first", path);
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "DChat.sln")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException("no DChat.sln above " + AppContext.BaseDirectory);
    }
}
