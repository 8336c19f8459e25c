using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Text;

namespace DChat.Terminal.Screen;

/// <summary>The console of Windows 10 and later, told to speak escape sequences in both directions.</summary>
[SupportedOSPlatform("windows")]
internal sealed class WindowsConsole : IConsoleDevice
{
    private const int StandardInput = -10;
    private const int StandardOutput = -11;
    private const uint Utf8 = 65001;

    private const uint WindowInput = 0x0008;
    private const uint VirtualTerminalInput = 0x0200;
    private const uint ProcessedOutput = 0x0001;
    private const uint VirtualTerminalProcessing = 0x0004;
    private const uint NoAutoReturn = 0x0008;

    /// <summary>UTF-16 units read at once.</summary>
    private const int ReadUnits = 1024;

    private readonly nint _input = Kernel.GetStdHandle(StandardInput);
    private readonly nint _output = Kernel.GetStdHandle(StandardOutput);
    private readonly uint _outputPage = Kernel.GetConsoleOutputCP();
    private readonly (uint Input, uint Output)? _modes;

    /// <summary>Keeps half a character between reads.</summary>
    private readonly Encoder _encoder = Encoding.UTF8.GetEncoder();
    private readonly char[] _units = new char[ReadUnits];
    private byte[] _unread = [];

    public WindowsConsole()
    {
        if (Kernel.GetConsoleMode(_input, out var input) && Kernel.GetConsoleMode(_output, out var output))
        {
            _modes = (input, output);
        }
    }

    public bool IsInteractive => _modes is not null;

    public void MakeRaw()
    {
        if (_modes is { } modes)
        {
            _ = Kernel.SetConsoleOutputCP(Utf8);
            _ = Kernel.SetConsoleMode(_input, WindowInput | VirtualTerminalInput);
            _ = Kernel.SetConsoleMode(_output, modes.Output | ProcessedOutput | VirtualTerminalProcessing | NoAutoReturn);
        }
    }

    public void Restore()
    {
        if (_modes is { } modes)
        {
            _ = Kernel.FlushConsoleInputBuffer(_input);
            _ = Kernel.SetConsoleMode(_input, modes.Input);
            _ = Kernel.SetConsoleMode(_output, modes.Output);
            _ = Kernel.SetConsoleOutputCP(_outputPage);
        }
    }

    public int Read(Span<byte> buffer)
    {
        // As UTF-16: reading UTF-8 from a console loses what is not ASCII on many versions.
        while (_unread.Length == 0)
        {
            if (!Kernel.ReadConsole(_input, _units, ReadUnits, out var count, 0))
            {
                return 0;
            }

            var units = _units.AsSpan(0, (int)count);
            _unread = new byte[_encoder.GetByteCount(units, flush: false)];
            _encoder.GetBytes(units, _unread, flush: false);
        }

        var length = Math.Min(buffer.Length, _unread.Length);
        _unread.AsSpan(0, length).CopyTo(buffer);
        _unread = _unread[length..];
        return length;
    }

    public bool Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (!Kernel.WriteFile(_output, bytes.ToArray(), (uint)bytes.Length, out var written, 0) || written == 0)
            {
                return false;
            }

            bytes = bytes[(int)written..];
        }

        return true;
    }

    public Size? GetSize() => Kernel.GetConsoleScreenBufferInfo(_output, out var info)
        ? new Size(info.Right - info.Left + 1, info.Bottom - info.Top + 1)
        : null;

    /// <summary>Windows has no job control.</summary>
    public bool Stop() => false;

    [StructLayout(LayoutKind.Sequential)]
    private struct ScreenBufferInfo
    {
        public short Width;
        public short Height;
        public short CursorX;
        public short CursorY;
        public ushort Attributes;
        public short Left;
        public short Top;
        public short Right;
        public short Bottom;
        public short MaximumWidth;
        public short MaximumHeight;
    }

    private static class Kernel
    {
        private const string Library = "kernel32";

        [DllImport(Library)]
        public static extern nint GetStdHandle(int which);

        [DllImport(Library)]
        [return: MarshalAs(UnmanagedType.Bool)]
        public static extern bool GetConsoleMode(nint handle, out uint mode);

        [DllImport(Library)]
        [return: MarshalAs(UnmanagedType.Bool)]
        public static extern bool SetConsoleMode(nint handle, uint mode);

        [DllImport(Library)]
        public static extern uint GetConsoleOutputCP();

        [DllImport(Library)]
        [return: MarshalAs(UnmanagedType.Bool)]
        public static extern bool SetConsoleOutputCP(uint page);

        [DllImport(Library)]
        [return: MarshalAs(UnmanagedType.Bool)]
        public static extern bool FlushConsoleInputBuffer(nint handle);

        [DllImport(Library, EntryPoint = "ReadConsoleW", CharSet = CharSet.Unicode)]
        [return: MarshalAs(UnmanagedType.Bool)]
        public static extern bool ReadConsole(nint handle, [Out] char[] buffer, uint count, out uint read, nint control);

        [DllImport(Library)]
        [return: MarshalAs(UnmanagedType.Bool)]
        public static extern bool WriteFile(nint handle, byte[] bytes, uint count, out uint written, nint overlapped);

        [DllImport(Library)]
        [return: MarshalAs(UnmanagedType.Bool)]
        public static extern bool GetConsoleScreenBufferInfo(nint handle, out ScreenBufferInfo info);
    }
}
