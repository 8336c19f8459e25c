namespace DChat.Server.Worker.Joining;

/// <summary>Another process takes part as this worker: by its rooms, its id and its address this one must serve nobody any more.</summary>
internal sealed class WorkerTakenException(string message) : Exception(message);
