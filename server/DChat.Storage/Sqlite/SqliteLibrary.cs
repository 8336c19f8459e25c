using System.Reflection;
using System.Runtime.InteropServices;

namespace DChat.Storage.Sqlite;

/// <summary>
/// Binds the SQLite provider to the library of the operating system, which its owner keeps patched;
/// the one that NuGet would bundle is old and has known vulnerabilities.
/// </summary>
public static class SqliteLibrary
{
    /// <summary>FTS5 with the trigram tokenizer, <c>RETURNING</c> and <c>STRICT</c> tables: SQLite 3.37.</summary>
    public const int VersionMin = 3_037_000;

    private static readonly Lazy<string> Loaded = new(Bind, LazyThreadSafetyMode.ExecutionAndPublication);

    /// <summary>Loads the library, once a process, and answers its version.</summary>
    /// <exception cref="SqliteLibraryException">It is missing or too old; the message names the package.</exception>
    public static string Load() => Loaded.Value;

    private static string Bind()
    {
        NativeLibrary.SetDllImportResolver(typeof(SQLitePCL.SQLite3Provider_e_sqlite3).Assembly, Resolve);
        try
        {
            SQLitePCL.raw.SetProvider(new SQLitePCL.SQLite3Provider_e_sqlite3());
            if (SQLitePCL.raw.sqlite3_libversion_number() < VersionMin)
            {
                throw new SqliteLibraryException(
                    $"SQLite {SQLitePCL.raw.sqlite3_libversion().utf8_to_string()} is too old; 3.37 or newer is needed. Remedy: update the operating system's SQLite ({Package}).");
            }

            return SQLitePCL.raw.sqlite3_libversion().utf8_to_string();
        }
        catch (DllNotFoundException missing)
        {
            throw new SqliteLibraryException($"The SQLite library {SystemName} was not found. Remedy: install it ({Package}).", missing);
        }
    }

    private static IntPtr Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath) =>
        name == "e_sqlite3" ? NativeLibrary.Load(SystemName) : IntPtr.Zero;

    private static string SystemName =>
        OperatingSystem.IsWindows() ? "winsqlite3.dll"
        : OperatingSystem.IsMacOS() ? "libsqlite3.dylib"
        : "libsqlite3.so.0";

    private static string Package =>
        OperatingSystem.IsLinux() ? "Debian and Ubuntu: apt-get install libsqlite3-0; Fedora: dnf install sqlite-libs" : "it comes with the operating system";
}

/// <summary>SQLite cannot be used on this machine; the message says why and what to install.</summary>
public sealed class SqliteLibraryException(string message, Exception? inner = null) : Exception(message, inner);
