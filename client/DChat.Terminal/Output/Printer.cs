using System.Text;
using DChat.Terminal.Screen;
using Microsoft.Win32.SafeHandles;

namespace DChat.Terminal.Output;

/// <summary>Writes results to standard output and what is wrong to standard error. Colours only where a person sees them.</summary>
internal sealed class Printer : IDisposable
{
    private readonly TextWriter output;
    private readonly TextWriter error;
    private readonly bool colours;

    public Printer(TextWriter output, TextWriter error, bool json, bool colours) =>
        (this.output, this.error, Json, this.colours) = (output, error, json, colours);

    /// <summary>Whether every result is one JSON object a line.</summary>
    public bool Json { get; }

    public static Printer ForConsole(bool json) => new(OpenOutput(), Console.Error, json, !json && WantsColours());

    /// <summary>A result: an object for scripts, a line for people. The line must be safe already.</summary>
    public void Result(object forScripts, Func<string> forPeople) => Write(Json ? SafeJson.Write(forScripts) : forPeople());

    /// <summary>A word to the person at the terminal; scripts are spared it.</summary>
    public void Note(string text)
    {
        if (!Json)
        {
            error.WriteLine(SafeText.Clean(text));
        }
    }

    public void Error(string code, string text) =>
        error.WriteLine(Json ? SafeJson.Write(new { error = new { code, message = text } }) : $"dchat: {SafeText.Clean(text)}");

    public void Write(string line)
    {
        output.WriteLine(line);
        output.Flush();
    }

    public string Dim(string text) => Paint("2", text);

    public string Bold(string text) => Paint("1", text);

    /// <summary>The same colour for the same name, every time.</summary>
    public string Name(string name)
    {
        var hash = name.Aggregate(17u, (h, c) => (h * 31) + char.ToLowerInvariant(c));
        return Paint($"{31 + (hash % 6)}", name);
    }

    public void Dispose() => output.Flush();

    private static bool WantsColours() =>
        !Console.IsOutputRedirected
        && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
        && Environment.GetEnvironmentVariable("TERM") != "dumb";

    /// <summary>
    /// .NET's console swallows the error of a closed pipe, and <c>dchat tail | head</c> would go on for ever: a plain
    /// stream over the descriptor reports it. Not for files: such a stream keeps a position of its own, and would write
    /// over what other processes append.
    /// </summary>
    private static StreamWriter OpenOutput()
    {
        var encoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        if (!OperatingSystem.IsWindows() && Console.IsOutputRedirected)
        {
            var descriptor = new FileStream(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0);
            if (!descriptor.CanSeek)
            {
                return new StreamWriter(descriptor, encoding);
            }
        }

        return new StreamWriter(Console.OpenStandardOutput(), encoding);
    }

    private string Paint(string code, string text) => colours ? $"\u001b[{code}m{text}\u001b[0m" : text;
}
