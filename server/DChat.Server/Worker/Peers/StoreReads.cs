using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using DChat.Core.Messages;
using DChat.Server.Cli;
using DChat.Server.Nodes;
using DChat.Server.Worker.Calls;

namespace DChat.Server.Worker.Peers;

/// <summary>Reads from this worker's message store for gateways that have none.</summary>
internal sealed class StoreReads(IMessageStore store, SearchGate searches, LimitsOptions limits)
{
    private static readonly Found<bool> Done = new(true);

    /// <exception cref="InvalidDataException">It is no request.</exception>
    /// <exception cref="MessageStoreUnavailableException">The store cannot be read, or what it answers fits into no frame.</exception>
    /// <exception cref="OperationCanceledException">A search took too long.</exception>
    /// <exception cref="FormatException">A search is not valid.</exception>
    public async Task<byte[]> AnswerAsync(ReadOnlyMemory<byte> request)
    {
        switch (Read(request))
        {
            case ReadAfterRequest ask when IsPage(ask.Limit):
                return await FitAsync(ask.Limit, limit => store.ReadAfterAsync(ask.Room, ask.AfterRev, limit, ask.Reader, default), StoreJson.Wire.ChangesPage).ConfigureAwait(false);
            case ReadBeforeRequest ask when IsPage(ask.Limit):
                return await FitAsync(ask.Limit, limit => store.ReadBeforeAsync(ask.Room, ask.BeforeSeq, limit, ask.Reader, default), StoreJson.Wire.MessagesPage).ConfigureAwait(false);
            case FindMessageRequest ask:
                return Write(new Found<Message>(await store.FindMessageAsync(ask.Room, ask.Seq, ask.Reader, default).ConfigureAwait(false)), StoreJson.Wire.FoundOneMessage);
            case FindAnswerRequest ask:
                return Write(new Found<ChangeAnswer?>(await store.FindAnswerAsync(ask.Room, ask.Author, ask.ClientId, default).ConfigureAwait(false)), StoreJson.Wire.FoundNullableChangeAnswer);
            case SearchStoreRequest ask when IsPage(ask.Query.Limit):
                using (var stop = new CancellationTokenSource(limits.SearchTime))
                {
                    return await FitAsync(ask.Query.Limit, limit => searches.RunAsync(ask.Query with { Limit = limit }, stop.Token), StoreJson.Wire.SearchPage).ConfigureAwait(false);
                }

            case ReadMarksRequest ask when ask.Rooms.Count <= PeerMessageStore.RoomsMax:
                return Write(await store.ReadMarksAsync(ask.User, ask.Rooms, default).ConfigureAwait(false), StoreJson.Wire.IReadOnlyListReadState);
            case WriteMarksRequest ask when ask.Marks.Count <= PeerMessageStore.MarksMax:
                await store.WriteMarksAsync(ask.Marks, default).ConfigureAwait(false);
                return Write(Done, StoreJson.Wire.FoundBoolean);
            case CloseRequest ask:
                await store.CloseAsync(ask.Room, default).ConfigureAwait(false);
                return Write(Done, StoreJson.Wire.FoundBoolean);
            case CheckRequest:
                await store.CheckAsync(default).ConfigureAwait(false);
                return Write(Done, StoreJson.Wire.FoundBoolean);
            case var other:
                throw new InvalidDataException($"a gateway asks too much of the store: {other.GetType().Name}");
        }
    }

    private static bool IsPage(int limit) => limit is >= 1 and <= MessageLimits.Page;

    private static StoreRequest Read(ReadOnlyMemory<byte> request)
    {
        try
        {
            return JsonSerializer.Deserialize(request.Span, StoreJson.Wire.StoreRequest) ?? throw new InvalidDataException("null came on the link");
        }
        catch (Exception failure) when (failure is JsonException or NotSupportedException)
        {
            throw new InvalidDataException("what came on the link does not fit its kind", failure);
        }
    }

    /// <summary>A page that fits into a frame: half of what was asked for where that does not, and so on. It says itself that there is more.</summary>
    private static async Task<byte[]> FitAsync<T>(int limit, Func<int, Task<T>> read, JsonTypeInfo<T> type)
    {
        while (true)
        {
            var page = Serialize(await read(limit).ConfigureAwait(false), type);
            if (page.Length <= NodeFrame.PayloadMax || limit == 1)
            {
                return Bounded(page);
            }

            limit /= 2;
        }
    }

    private static byte[] Write<T>(T answer, JsonTypeInfo<T> type) => Bounded(Serialize(answer, type));

    private static byte[] Serialize<T>(T answer, JsonTypeInfo<T> type) => JsonSerializer.SerializeToUtf8Bytes(answer, type);

    private static byte[] Bounded(byte[] answer) => answer.Length <= NodeFrame.PayloadMax
        ? answer
        : throw new MessageStoreUnavailableException($"an answer of {answer.Length} bytes does not fit into a frame, which holds {NodeFrame.PayloadMax}");
}
