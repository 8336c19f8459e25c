namespace DChat.Terminal.Screen;

/// <summary>The operating system's console: bytes in, bytes out, and its modes.</summary>
internal interface IConsoleDevice
{
    /// <summary>Both input and output are a terminal.</summary>
    bool IsInteractive { get; }

    /// <summary>From now on every key arrives at once, unechoed, and nothing is turned into a signal. Repeatable.</summary>
    void MakeRaw();

    /// <summary>As it was before the first <see cref="MakeRaw"/>; what was typed and not read is dropped.</summary>
    void Restore();

    /// <summary>Blocks. 0 at the end of the input.</summary>
    int Read(Span<byte> buffer);

    /// <summary>Blocks until all is written.</summary>
    /// <returns>False where the terminal is gone.</returns>
    bool Write(ReadOnlySpan<byte> bytes);

    /// <returns>Nothing where the console does not know.</returns>
    Size? GetSize();

    /// <summary>Stops the process and those it was started with, until the shell continues them.</summary>
    /// <returns>False where nobody could continue it; then nothing has happened.</returns>
    bool Stop();
}
