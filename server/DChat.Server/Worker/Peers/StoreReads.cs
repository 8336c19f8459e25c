using System.Text.Json;
using DChat.Core.Messages;
using DChat.Server.Cli;

namespace DChat.Server.Worker.Peers;

/// <summary>Reads from this worker's message store for gateways that have none.</summary>
internal sealed class StoreReads(IMessageStore store, LimitsOptions limits)
{
    private static readonly Found<bool> Done = new(true);

    /// <exception cref="InvalidDataException">It is no request.</exception>
    /// <exception cref="MessageStoreUnavailableException">The store cannot be read.</exception>
    /// <exception cref="OperationCanceledException">A search took too long.</exception>
    /// <exception cref="FormatException">A search is not valid.</exception>
    public async Task<byte[]> AnswerAsync(ReadOnlyMemory<byte> request)
    {
        switch (Read(request))
        {
            case ReadAfterRequest ask when IsPage(ask.Limit):
                return Write(await store.ReadAfterAsync(ask.Room, ask.AfterRev, ask.Limit, ask.Reader, default).ConfigureAwait(false), StoreJson.Default.ChangesPage);
            case ReadBeforeRequest ask when IsPage(ask.Limit):
                return Write(await store.ReadBeforeAsync(ask.Room, ask.BeforeSeq, ask.Limit, ask.Reader, default).ConfigureAwait(false), StoreJson.Default.MessagesPage);
            case FindMessageRequest ask:
                return Write(new Found<Message>(await store.FindMessageAsync(ask.Room, ask.Seq, ask.Reader, default).ConfigureAwait(false)), StoreJson.Default.FoundOneMessage);
            case FindAnswerRequest ask:
                return Write(new Found<ChangeAnswer?>(await store.FindAnswerAsync(ask.Room, ask.Author, ask.ClientId, default).ConfigureAwait(false)), StoreJson.Default.FoundNullableChangeAnswer);
            case SearchStoreRequest ask when IsPage(ask.Query.Limit):
                using (var limit = new CancellationTokenSource(limits.SearchMilliseconds))
                {
                    return Write(await store.SearchAsync(ask.Query, limit.Token).ConfigureAwait(false), StoreJson.Default.SearchPage);
                }

            case ReadMarksRequest ask when ask.Rooms.Count <= PeerMessageStore.RoomsMax:
                return Write(await store.ReadMarksAsync(ask.User, ask.Rooms, default).ConfigureAwait(false), StoreJson.Default.IReadOnlyListReadState);
            case WriteMarksRequest ask when ask.Marks.Count <= PeerMessageStore.MarksMax:
                await store.WriteMarksAsync(ask.Marks, default).ConfigureAwait(false);
                return Write(Done, StoreJson.Default.FoundBoolean);
            case CloseRequest ask:
                await store.CloseAsync(ask.Room, default).ConfigureAwait(false);
                return Write(Done, StoreJson.Default.FoundBoolean);
            case CheckRequest:
                await store.CheckAsync(default).ConfigureAwait(false);
                return Write(Done, StoreJson.Default.FoundBoolean);
            case var other:
                throw new InvalidDataException($"a gateway asks too much of the store: {other.GetType().Name}");
        }
    }

    private static bool IsPage(int limit) => limit is >= 1 and <= MessageLimits.Page;

    private static StoreRequest Read(ReadOnlyMemory<byte> request)
    {
        try
        {
            return JsonSerializer.Deserialize(request.Span, StoreJson.Default.StoreRequest) ?? throw new InvalidDataException("null came on the link");
        }
        catch (Exception failure) when (failure is JsonException or NotSupportedException)
        {
            throw new InvalidDataException("what came on the link does not fit its kind", failure);
        }
    }

    private static byte[] Write<T>(T answer, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type) => JsonSerializer.SerializeToUtf8Bytes(answer, type);
}
