namespace DChat.Terminal.Screen;

/// <summary>The whole screen and the keyboard, from opening to disposal, which gives the terminal back as it was.</summary>
/// <remarks>Calls come from one thread at a time. After the terminal was given back, drawing does nothing.</remarks>
internal interface ITerminal : IAsyncDisposable
{
    /// <summary>As of now; a change is also a <see cref="Resized"/> event.</summary>
    Size Size { get; }

    TerminalAbilities Abilities { get; }

    /// <summary>Input in the order in which it came. Ends when the terminal is gone.</summary>
    IAsyncEnumerable<InputEvent> ReadAsync(CancellationToken cancel);

    /// <summary>Shows a frame: only what differs from the last one is written, at once. The frame must not be changed afterwards.</summary>
    void Draw(CellBuffer frame);

    /// <summary>Something else wrote onto the screen: the next frame is written as a whole.</summary>
    void Forget()
    {
    }

    void Bell();

    /// <summary>A notification of the desktop, through the terminal. The text may be of any origin.</summary>
    void Notify(string title, string body, NotificationKind kind);

    /// <summary>Puts text into the clipboard (OSC 52), where the terminal allows it.</summary>
    void CopyToClipboard(string text);

    /// <summary>The window's title. The text may be of any origin.</summary>
    void SetTitle(string title);

    /// <summary>Whether clicks and the wheel are reported (as they are from the start); without, the terminal's own selection works.</summary>
    void ReportMouse(bool on);

    /// <summary>Gives the terminal back and stops the process, as Ctrl-Z does; after it was continued the screen is drawn again. Does nothing on Windows.</summary>
    void Suspend();
}

internal enum NotificationKind
{
    /// <summary>iTerm2, Windows Terminal, kitty, foot, ghostty: one text.</summary>
    Osc9,

    /// <summary>urxvt, foot, ghostty, WezTerm: title and text.</summary>
    Osc777,
}
