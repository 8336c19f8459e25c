namespace DChat.Storage.Etcd;

/// <summary>etcd answered, and the answer is no.</summary>
/// <param name="code">Of gRPC.</param>
internal sealed class EtcdRefusedException(int code, string message) : Exception(message)
{
    public const int InvalidArgument = 3;
    public const int DeadlineExceeded = 4;
    public const int NotFound = 5;
    public const int PermissionDenied = 7;
    public const int ResourceExhausted = 8;
    public const int OutOfRange = 11;
    public const int Unavailable = 14;
    public const int Unauthenticated = 16;

    /// <summary>Stands in what the gateway says, as plain text, where users sign in and the client's certificate has one.</summary>
    internal const string CommonName = "CommonName";

    public int Code => code;

    public bool IsCommonName => Message.Contains(CommonName, StringComparison.Ordinal);

    /// <summary>Another member, or a later try, may answer otherwise.</summary>
    public bool IsTemporary => !IsFull && (code is DeadlineExceeded or ResourceExhausted or Unavailable || IsUnauthenticated);

    /// <summary>No later try is answered otherwise, at no member, until somebody changes something. (A full database is emptied behind snapshots.)</summary>
    public bool IsLasting => !IsTemporary && !IsFull && (code == InvalidArgument || IsNotPermitted);

    /// <summary>Larger than etcd's <c>--max-request-bytes</c>.</summary>
    public bool IsTooLarge => Message.Contains("request is too large", StringComparison.Ordinal);

    /// <summary>The database has reached its quota. It takes no writes, at no member, until somebody ends the alarm: no repeat helps.</summary>
    public bool IsFull => Message.Contains("database space exceeded", StringComparison.Ordinal);

    /// <summary>
    /// The token is not known there (some releases say so as an invalid argument), or it is one that says for itself whose it is (JWT) and from before
    /// users or roles were changed.
    /// </summary>
    public bool IsUnauthenticated =>
        code == Unauthenticated || Message.Contains("invalid auth token", StringComparison.Ordinal) || Message.Contains("revision of auth store is old", StringComparison.Ordinal);

    /// <summary>There is no such path, or nothing that knows of version 3.</summary>
    public bool IsTooOld => Message is "HTTP 404" or "Not Found";

    /// <summary>The user lacks a right. Of what only root may do 3.4 and 3.5 say so as an unknown error.</summary>
    public bool IsNotPermitted => code == PermissionDenied || Message.Contains("permission denied", StringComparison.Ordinal);

    public bool IsWrongPassword => Message.Contains("invalid user ID or password", StringComparison.Ordinal);

    public bool IsUserMissing => Message.Contains("user name is empty", StringComparison.Ordinal);

    public bool IsAuthenticationOff => Message.Contains("authentication is not enabled", StringComparison.Ordinal);

    public static EtcdRefusedException Of(EtcdError error) => new(Math.Max(error.Code, error.GrpcCode), error.Message ?? error.Error ?? "no reason is given");
}
