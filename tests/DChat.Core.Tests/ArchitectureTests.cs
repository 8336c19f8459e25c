using System.Runtime.CompilerServices;
using System.Xml.Linq;

namespace DChat.Core.Tests;

/// <summary>What keeps Core and the contract pure, read from the project files themselves.</summary>
public sealed class ArchitectureTests
{
    private static readonly string[] MustBeBanned =
    [
        "P:System.DateTime.UtcNow", "P:System.DateTimeOffset.UtcNow", "T:System.TimeProvider", "T:System.Diagnostics.Stopwatch",
        "T:System.Random", "M:System.Guid.NewGuid", "T:System.Security.Cryptography.RandomNumberGenerator",
        "T:System.IO.File", "T:System.IO.FileStream", "T:System.Net.Sockets.Socket", "T:System.Net.Http.HttpClient", "T:System.Console",
        "T:System.Threading.Thread", "T:System.Threading.Timer",
    ];

    [Theory]
    [InlineData("server/DChat.Core/DChat.Core.csproj")]
    [InlineData("shared/DChat.Protocol/DChat.Protocol.csproj")]
    public void The_pure_projects_reference_nothing(string path)
    {
        var project = XDocument.Load(Path.Combine(Root, path));
        Assert.Empty(project.Descendants("ProjectReference"));
        Assert.Empty(project.Descendants("FrameworkReference"));
        Assert.All(
            project.Descendants("PackageReference"),
            package => Assert.EndsWith("Analyzers", package.Attribute("Include")!.Value));
        Assert.All(
            project.Descendants("PackageReference"),
            package => Assert.Equal("all", package.Attribute("PrivateAssets")?.Value));
    }

    [Fact]
    public void Every_project_gets_only_analyzers_from_the_common_file()
    {
        var common = XDocument.Load(Path.Combine(Root, "Directory.Build.props"));
        var packages = common.Descendants("PackageReference").Where(package => package.Parent!.Attribute("Condition") is null);
        Assert.All(packages, package => Assert.Contains("Analyzer", package.Attribute("Include")!.Value));
    }

    [Fact]
    public void Clocks_chance_and_IO_stay_banned_in_Core()
    {
        var banned = File.ReadAllLines(Path.Combine(Root, "server/DChat.Core/BannedSymbols.txt")).Select(line => line.Split(';')[0]).ToHashSet();
        Assert.All(MustBeBanned, symbol => Assert.Contains(symbol, banned));
        var project = XDocument.Load(Path.Combine(Root, "server/DChat.Core/DChat.Core.csproj"));
        Assert.Contains(project.Descendants("AdditionalFiles"), file => file.Attribute("Include")?.Value == "BannedSymbols.txt");
        Assert.Contains(project.Descendants("PackageReference"), package => package.Attribute("Include")?.Value == "Microsoft.CodeAnalysis.BannedApiAnalyzers");
    }

    [Fact]
    public void Core_loads_nothing_but_the_framework() =>
        Assert.All(
            typeof(Core.Registry.RegistryState).Assembly.GetReferencedAssemblies(),
            reference => Assert.True(
                reference.Name!.StartsWith("System.", StringComparison.Ordinal)
                || reference.Name is "netstandard" or "Microsoft.VisualStudio.CodeCoverage.Shim",
                $"{reference.Name} is neither of the framework nor what measuring coverage adds"));

    private static string Root { get; } = FindRoot();

    private static string FindRoot([CallerFilePath] string here = "")
    {
        var folder = new FileInfo(here).Directory;
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "DChat.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("the sources are not where they were compiled");
    }
}
