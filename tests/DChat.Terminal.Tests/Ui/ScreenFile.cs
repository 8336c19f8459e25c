using System.Runtime.CompilerServices;

namespace DChat.Terminal.Tests.Ui;

/// <summary>
/// Screens as committed text: what is drawn must be what the file says. Run with <c>DCHAT_ACCEPT=1</c> to write the files
/// anew, and read the difference before it is committed.
/// </summary>
internal static class ScreenFile
{
    public static void Check(World world, [CallerMemberName] string name = "", [CallerFilePath] string source = "")
    {
        var path = Path.Combine(Path.GetDirectoryName(source)!, "Screens", name + ".txt");
        var drawn = world.Text + "\n";
        if (Environment.GetEnvironmentVariable("DCHAT_ACCEPT") == "1")
        {
            File.WriteAllText(path, drawn);
        }

        Assert.True(File.Exists(path), $"{path} is missing; DCHAT_ACCEPT=1 writes it.");
        Assert.Equal(File.ReadAllText(path), drawn);
    }
}
