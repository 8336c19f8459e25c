namespace DChat.Server.Recovery;

/// <summary>What whoever waits is shown of long work.</summary>
internal interface IProgressReport
{
    /// <summary>Begins a piece of work and ends the one before.</summary>
    /// <param name="bytes">In all; 0: not known.</param>
    void Begin(string what, long bytes = 0);

    /// <summary>So many bytes more are done.</summary>
    void Add(long bytes);

    /// <summary>The work is done.</summary>
    /// <param name="result">What it came to; may be empty.</param>
    void End(string result = "");

    /// <summary>A line that stays.</summary>
    void Say(string line);
}
