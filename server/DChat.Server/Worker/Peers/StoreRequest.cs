using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using DChat.Core.Messages;

namespace DChat.Server.Worker.Peers;

/// <summary>What a gateway without a message store asks one that has one. Writing is not among it: that is for hosts alone.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "ask")]
[JsonDerivedType(typeof(ReadAfterRequest), "after")]
[JsonDerivedType(typeof(ReadBeforeRequest), "before")]
[JsonDerivedType(typeof(FindMessageRequest), "message")]
[JsonDerivedType(typeof(FindAnswerRequest), "answer")]
[JsonDerivedType(typeof(SearchStoreRequest), "search")]
[JsonDerivedType(typeof(ReadMarksRequest), "marks")]
[JsonDerivedType(typeof(WriteMarksRequest), "mark")]
[JsonDerivedType(typeof(CloseRequest), "close")]
[JsonDerivedType(typeof(CheckRequest), "check")]
internal abstract record StoreRequest;

internal sealed record ReadAfterRequest(string Room, long AfterRev, int Limit, string? Reader) : StoreRequest;

internal sealed record ReadBeforeRequest(string Room, long? BeforeSeq, int Limit, string? Reader) : StoreRequest;

internal sealed record FindMessageRequest(string Room, long Seq, string? Reader) : StoreRequest;

internal sealed record FindAnswerRequest(string Room, string Author, string ClientId) : StoreRequest;

internal sealed record SearchStoreRequest(SearchQuery Query) : StoreRequest;

internal sealed record ReadMarksRequest(string User, IReadOnlyList<string> Rooms) : StoreRequest;

internal sealed record WriteMarksRequest(IReadOnlyList<ReadMark> Marks) : StoreRequest;

internal sealed record CloseRequest(string Room) : StoreRequest;

internal sealed record CheckRequest : StoreRequest;

/// <summary>The answer of a call that answers nothing, or of one that may have found nothing.</summary>
internal sealed record Found<T>(T? Value);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(StoreRequest))]
[JsonSerializable(typeof(ChangesPage))]
[JsonSerializable(typeof(MessagesPage))]
[JsonSerializable(typeof(SearchPage))]
[JsonSerializable(typeof(Found<Message>), TypeInfoPropertyName = "FoundOneMessage")]
[JsonSerializable(typeof(Found<ChangeAnswer?>))]
[JsonSerializable(typeof(Found<bool>))]
[JsonSerializable(typeof(IReadOnlyList<ReadState>))]
internal sealed partial class StoreJson : JsonSerializerContext
{
    /// <summary>The context to use: text beyond ASCII costs its UTF-8 bytes, and not six or twelve for each character.</summary>
    public static StoreJson Wire { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
