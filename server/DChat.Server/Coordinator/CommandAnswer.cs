using System.Text.Json;
using DChat.Core.Registry;
using DChat.Server.Coordinator.Workers;
using DChat.Server.Nodes;

namespace DChat.Server.Coordinator;

/// <summary>The answer to a command, as it goes over a link between nodes.</summary>
internal static class CommandAnswer
{
    public static ReadOnlySpan<byte> Encode(CommandResult result) =>
        new PayloadWriter().Number(result.Index).Bytes(JsonSerializer.SerializeToUtf8Bytes(result.Outcome, WorkerJson.Default.Outcome)).Written;

    public static CommandResult Decode(byte[] payload)
    {
        var reader = new PayloadReader(payload);
        var index = reader.Number();
        return new CommandResult(index, JsonSerializer.Deserialize(reader.Bytes().Span, WorkerJson.Default.Outcome)!);
    }
}
