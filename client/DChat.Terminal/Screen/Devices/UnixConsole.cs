using System.Runtime.InteropServices;

namespace DChat.Terminal.Screen;

/// <summary>The terminal behind standard input and output, on Linux, macOS and the BSDs: plain POSIX, without knowing how <c>termios</c> is laid out.</summary>
internal sealed class UnixConsole : IConsoleDevice
{
    private const int Input = 0;
    private const int Output = 1;

    /// <summary>Bytes; the largest <c>termios</c> known has 72.</summary>
    private const int TermiosSize = 256;

    private const int Interrupted = 4;
    private const int SetNow = 0;
    private const short ReadyToRead = 1;
    private const short ReadyToWrite = 4;

    private readonly byte[]? _original;

    public UnixConsole()
    {
        var original = new byte[TermiosSize];
        if (Libc.TcGetAttr(Input, original) == 0)
        {
            _original = original;
        }
    }

    public bool IsInteractive => _original is not null && Libc.IsATty(Output) == 1;

    private static bool IsMac => OperatingSystem.IsMacOS() || OperatingSystem.IsFreeBSD();

    private static int TryAgain => IsMac ? 35 : 11;

    private static int StopSignal => IsMac ? 17 : 19;

    private static int FlushInput => IsMac ? 1 : 0;

    private static nuint GetWindowSize => IsMac ? 0x40087468u : 0x5413u;

    public void MakeRaw()
    {
        if (_original is not null)
        {
            var raw = _original.ToArray();
            Libc.CfMakeRaw(raw);
            _ = Libc.TcSetAttr(Input, SetNow, raw);
        }
    }

    public void Restore()
    {
        if (_original is not null)
        {
            _ = Libc.TcFlush(Input, FlushInput);
            _ = Libc.TcSetAttr(Input, SetNow, _original);
        }
    }

    public int Read(Span<byte> buffer)
    {
        while (true)
        {
            var count = Libc.Read(Input, ref MemoryMarshal.GetReference(buffer), (nuint)buffer.Length);
            if (count >= 0)
            {
                return (int)count;
            }

            if (!MayRepeat(Input, ReadyToRead))
            {
                return 0;
            }
        }
    }

    public bool Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var count = Libc.Write(Output, in MemoryMarshal.GetReference(bytes), (nuint)bytes.Length);
            if (count > 0)
            {
                bytes = bytes[(int)count..];
            }
            else if (!MayRepeat(Output, ReadyToWrite))
            {
                return false;
            }
        }

        return true;
    }

    public Size? GetSize()
    {
        // On Apple's arm64 variadic arguments are on the stack, the others in eight registers: fill them.
        var result = IsMac && RuntimeInformation.ProcessArchitecture == Architecture.Arm64
            ? Libc.IoCtlOnStack(Output, GetWindowSize, 0, 0, 0, 0, 0, 0, out var size)
            : Libc.IoCtl(Output, GetWindowSize, out size);
        return result == 0 && size is { Columns: > 0, Rows: > 0 } ? new Size(size.Columns, size.Rows) : null;
    }

    public bool Stop()
    {
        // The leader of a session has no shell above it that would ever continue it.
        if (Libc.GetSid(0) == Environment.ProcessId)
        {
            return false;
        }

        return Libc.Kill(0, StopSignal) == 0;
    }

    /// <summary>After an error: whether it was none that lasts. Waits until it is worth another try.</summary>
    private static bool MayRepeat(int descriptor, short wanted)
    {
        var error = Marshal.GetLastPInvokeError();
        if (error == TryAgain)
        {
            var poll = new PollDescriptor { Descriptor = descriptor, Events = wanted };
            _ = Libc.Poll(ref poll, 1, -1);
            return true;
        }

        return error == Interrupted;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct WindowSize
    {
        public ushort Rows;
        public ushort Columns;
        public ushort WidthInPixels;
        public ushort HeightInPixels;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct PollDescriptor
    {
        public int Descriptor;
        public short Events;
        public short Results;
    }

    private static class Libc
    {
        private const string Library = "libc";

        [DllImport(Library, EntryPoint = "tcgetattr", SetLastError = true)]
        public static extern int TcGetAttr(int descriptor, byte[] termios);

        [DllImport(Library, EntryPoint = "tcsetattr", SetLastError = true)]
        public static extern int TcSetAttr(int descriptor, int when, byte[] termios);

        [DllImport(Library, EntryPoint = "cfmakeraw")]
        public static extern void CfMakeRaw([In, Out] byte[] termios);

        [DllImport(Library, EntryPoint = "tcflush", SetLastError = true)]
        public static extern int TcFlush(int descriptor, int queue);

        [DllImport(Library, EntryPoint = "isatty")]
        public static extern int IsATty(int descriptor);

        [DllImport(Library, EntryPoint = "read", SetLastError = true)]
        public static extern nint Read(int descriptor, ref byte buffer, nuint count);

        [DllImport(Library, EntryPoint = "write", SetLastError = true)]
        public static extern nint Write(int descriptor, in byte buffer, nuint count);

        [DllImport(Library, EntryPoint = "poll", SetLastError = true)]
        public static extern int Poll(ref PollDescriptor descriptors, nuint count, int timeoutMilliseconds);

        [DllImport(Library, EntryPoint = "ioctl", SetLastError = true)]
        public static extern int IoCtl(int descriptor, nuint request, out WindowSize size);

        [DllImport(Library, EntryPoint = "ioctl", SetLastError = true)]
        public static extern int IoCtlOnStack(int descriptor, nuint request, nint x2, nint x3, nint x4, nint x5, nint x6, nint x7, out WindowSize size);

        [DllImport(Library, EntryPoint = "kill", SetLastError = true)]
        public static extern int Kill(int process, int signal);

        [DllImport(Library, EntryPoint = "getsid", SetLastError = true)]
        public static extern int GetSid(int process);
    }
}
