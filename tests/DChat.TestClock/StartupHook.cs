using System.Diagnostics;
using DChat.TestClock;

/// <summary>What the runtime runs before a program that has this assembly in <c>DOTNET_STARTUP_HOOKS</c>; the name, and that it is in no namespace, are its.</summary>
internal static class StartupHook
{
    internal static void Initialize()
    {
        var file = Environment.GetEnvironmentVariable(MovedClock.FileVariable) ?? throw new InvalidOperationException($"{MovedClock.FileVariable} is not set");
        DiagnosticListener.AllListeners.Subscribe(new HostClock(new MovedClock(file)));
    }
}
