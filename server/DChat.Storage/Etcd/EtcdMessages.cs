using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace DChat.Storage.Etcd;

// What is spoken with etcd's JSON gateway, by the names of its rpc.proto (etcd 3.4 and later). Numbers of 64 bits come as strings, and what is
// zero, false or empty is left out.

/// <param name="Revision">Of the store, when the request was applied.</param>
/// <param name="MemberId">Who answers.</param>
internal sealed record EtcdHeader(long Revision = 0, ulong MemberId = 0);

internal sealed record EtcdKeyValue(byte[]? Key = null, long CreateRevision = 0, long ModRevision = 0, byte[]? Value = null, long Lease = 0);

/// <param name="Target"><c>CREATE</c>, <c>MOD</c>, <c>VALUE</c> or <c>VERSION</c>.</param>
/// <param name="Result"><c>EQUAL</c>, <c>GREATER</c>, <c>LESS</c> or <c>NOT_EQUAL</c>.</param>
internal sealed record EtcdCompare(byte[] Key, string Target, string Result, long? CreateRevision = null, long? ModRevision = null, long? Version = null, byte[]? Value = null, byte[]? RangeEnd = null);

internal sealed record EtcdPut(byte[] Key, byte[] Value, long Lease = 0);

/// <param name="RangeEnd">Behind the last key; null: the key alone.</param>
/// <param name="Limit">Of the keys that come. etcd goes through its index of all that is in the range all the same, to count it.</param>
/// <param name="Revision">As of then; 0: as it is now.</param>
/// <remarks>What comes is in the order of the keys. No order is asked for, ever: etcd ignores the limit then, and reads all that is in the range, values too, to sort it.</remarks>
internal sealed record EtcdRange(byte[] Key, byte[]? RangeEnd = null, long Limit = 0, long Revision = 0, bool KeysOnly = false, bool CountOnly = false);

internal sealed record EtcdDelete(byte[] Key, byte[]? RangeEnd = null);

/// <summary>One of the three.</summary>
internal sealed record EtcdOperation(EtcdPut? RequestPut = null, EtcdRange? RequestRange = null, EtcdDelete? RequestDeleteRange = null)
{
    public static EtcdOperation Put(byte[] key, byte[] value, long lease = 0) => new(RequestPut: new EtcdPut(key, value, lease));

    public static EtcdOperation Get(byte[] key, byte[]? end = null) => new(RequestRange: new EtcdRange(key, end));

    /// <summary>How many keys there are; no value is read.</summary>
    public static EtcdOperation Count(byte[] key, byte[]? end = null, long revision = 0) => new(RequestRange: new EtcdRange(key, end, Revision: revision, CountOnly: true));

    /// <summary>The first key there is.</summary>
    public static EtcdOperation FirstKey(byte[] key, byte[] end, long revision = 0) => new(RequestRange: new EtcdRange(key, end, Limit: 1, revision, KeysOnly: true));

    public static EtcdOperation Delete(byte[] key, byte[]? end = null) => new(RequestDeleteRange: new EtcdDelete(key, end));
}

internal sealed record EtcdTxn(IReadOnlyList<EtcdCompare> Compare, IReadOnlyList<EtcdOperation> Success, IReadOnlyList<EtcdOperation> Failure);

/// <param name="Count">Of the keys in the range, beyond the limit too.</param>
internal sealed record EtcdRangeAnswer(EtcdHeader? Header = null, IReadOnlyList<EtcdKeyValue>? Kvs = null, bool More = false, long Count = 0)
{
    public IReadOnlyList<EtcdKeyValue> Found => Kvs ?? [];
}

internal sealed record EtcdOperationAnswer(EtcdRangeAnswer? ResponseRange = null);

internal sealed record EtcdTxnAnswer(EtcdHeader? Header = null, bool Succeeded = false, IReadOnlyList<EtcdOperationAnswer>? Responses = null)
{
    public IReadOnlyList<EtcdKeyValue> Range(int operation) => Of(operation)?.Found ?? [];

    public long Count(int operation) => Of(operation)?.Count ?? 0;

    private EtcdRangeAnswer? Of(int operation) => Responses is { } all && operation < all.Count ? all[operation].ResponseRange : null;
}

internal sealed record EtcdLease([property: JsonPropertyName("ID")] long Id = 0, [property: JsonPropertyName("TTL")] long Ttl = 0);

/// <summary>A message of a stream: <c>result</c>, or <c>error</c>.</summary>
internal sealed record EtcdStreamed<T>(T? Result = default, EtcdError? Error = null);

/// <param name="Physical">Answered when the space is free, not before.</param>
internal sealed record EtcdCompaction(long Revision, bool Physical = false);

/// <param name="Action"><c>DEACTIVATE</c>.</param>
/// <param name="Alarm"><c>NOSPACE</c>.</param>
internal sealed record EtcdAlarm(string Action, [property: JsonPropertyName("memberID")] ulong Member, string Alarm);

internal sealed record EtcdSignIn(string Name, string Password);

internal sealed record EtcdToken(string? Token = null);

internal sealed record EtcdNothing;

/// <param name="DbSize">Bytes on disk of the member that answers.</param>
/// <param name="DbSizeInUse">Of those, how many are used.</param>
/// <param name="Leader">The member that leads; 0: none is known.</param>
internal sealed partial record EtcdStatus(
    EtcdHeader? Header = null,
    string? Version = null,
    [property: JsonPropertyName("dbSize")] long DbSize = 0,
    [property: JsonPropertyName("dbSizeInUse")] long DbSizeInUse = 0,
    ulong Leader = 0,
    IReadOnlyList<string>? Errors = null)
{
    /// <summary>Whether some member is full: then none takes a write.</summary>
    public bool IsFull => Errors?.Any(error => error.Contains("alarm:NOSPACE", StringComparison.Ordinal)) == true;

    /// <summary>The members that raised the alarm, by number.</summary>
    public IEnumerable<ulong> FullMembers => from error in Errors ?? []
                                             from Match alarm in Alarm().Matches(error)
                                             select ulong.TryParse(alarm.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var member) ? member : 0;

    /// <summary>Whether the member that answers is one of them.</summary>
    public bool IsItselfFull => Header is { } header && FullMembers.Contains(header.MemberId);

    [GeneratedRegex(@"memberID:(\d{1,20}) alarm:NOSPACE")]
    private static partial Regex Alarm();
}

/// <param name="PeerUrls">Where the others reach it.</param>
/// <param name="ClientUrls">Empty until it has run.</param>
/// <param name="IsLearner">It is told everything and does not vote.</param>
internal sealed record EtcdMemberInfo(
    [property: JsonPropertyName("ID")] ulong Id = 0,
    string? Name = null,
    [property: JsonPropertyName("peerURLs")] IReadOnlyList<string>? PeerUrls = null,
    [property: JsonPropertyName("clientURLs")] IReadOnlyList<string>? ClientUrls = null,
    [property: JsonPropertyName("isLearner")] bool IsLearner = false);

internal sealed record EtcdMembersAnswer(IReadOnlyList<EtcdMemberInfo>? Members = null);

internal sealed record EtcdMemberAdd([property: JsonPropertyName("peerURLs")] IReadOnlyList<string> PeerUrls, [property: JsonPropertyName("isLearner")] bool IsLearner = false);

/// <summary>Names a member, to be removed or promoted.</summary>
internal sealed record EtcdMemberId([property: JsonPropertyName("ID")] ulong Id);

internal sealed record EtcdWatch(EtcdWatchCreate CreateRequest);

/// <param name="Fragment">Large batches come in parts.</param>
internal sealed record EtcdWatchCreate(byte[] Key, byte[] RangeEnd, long StartRevision, bool Fragment = true);

/// <param name="Type"><c>DELETE</c>; null: a put.</param>
internal sealed record EtcdEvent(string? Type = null, EtcdKeyValue? Kv = null);

internal sealed record EtcdWatchNews(EtcdHeader? Header = null, bool Created = false, bool Canceled = false, long CompactRevision = 0, string? CancelReason = null, IReadOnlyList<EtcdEvent>? Events = null);

/// <param name="Code">Of gRPC: 4 deadline, 5 not found, 8 exhausted, 11 out of range, 14 unavailable, 16 not signed in.</param>
/// <param name="GrpcCode">The same, inside a stream.</param>
internal sealed record EtcdError(string? Error = null, string? Message = null, int Code = 0, int GrpcCode = 0);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.AllowReadingFromString,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(EtcdTxn))]
[JsonSerializable(typeof(EtcdTxnAnswer))]
[JsonSerializable(typeof(EtcdRange))]
[JsonSerializable(typeof(EtcdRangeAnswer))]
[JsonSerializable(typeof(EtcdLease))]
[JsonSerializable(typeof(EtcdStreamed<EtcdLease>))]
[JsonSerializable(typeof(EtcdStreamed<EtcdWatchNews>))]
[JsonSerializable(typeof(EtcdWatch))]
[JsonSerializable(typeof(EtcdCompaction))]
[JsonSerializable(typeof(EtcdAlarm))]
[JsonSerializable(typeof(EtcdSignIn))]
[JsonSerializable(typeof(EtcdToken))]
[JsonSerializable(typeof(EtcdNothing))]
[JsonSerializable(typeof(EtcdStatus))]
[JsonSerializable(typeof(EtcdError))]
[JsonSerializable(typeof(EtcdMembersAnswer))]
[JsonSerializable(typeof(EtcdMemberAdd))]
[JsonSerializable(typeof(EtcdMemberId))]
internal sealed partial class EtcdJson : JsonSerializerContext;
