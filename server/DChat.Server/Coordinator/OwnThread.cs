namespace DChat.Server.Coordinator;

/// <summary>For work that takes seconds, or as long as a disk hangs: the pool has a thread for each processor, and everybody else's work waits for those.</summary>
internal static class OwnThread
{
    public static Task RunAsync(Action work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    public static Task<T> RunAsync<T>(Func<T> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
