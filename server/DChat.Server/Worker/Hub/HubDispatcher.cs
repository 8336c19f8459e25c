using System.Collections.Frozen;
using System.Text.Json;
using DChat.Server.Worker.Gateway;

namespace DChat.Server.Worker.Hub;

/// <summary>Finds the method that a record calls. Names are compared without case, as ASP.NET Core's hubs do.</summary>
internal sealed class HubDispatcher(IEnumerable<HubMethod> methods)
{
    private readonly FrozenDictionary<string, HubMethod> methods =
        methods.ToFrozenDictionary(method => method.Name, StringComparer.OrdinalIgnoreCase);

    /// <summary>Begins what the record asks for; false ends the connection.</summary>
    public bool Dispatch(ChatConnection connection, HubRecord record)
    {
        switch (record.Type)
        {
            case HubRecord.Invocation:
                Invoke(connection, record);
                return true;
            case HubRecord.StreamInvocation:
                Refuse(connection, record, "HubException: The method does not stream.");
                return true;
            case HubRecord.Ping or HubRecord.CancelInvocation or HubRecord.StreamItem or HubRecord.Completion:
                return true;
            case HubRecord.Close:
                return false;
            default:
                return true; // A later version's record: ignored, as ASP.NET Core's hubs do.
        }
    }

    private void Invoke(ChatConnection connection, HubRecord record)
    {
        if (record.Target is null || !methods.TryGetValue(record.Target, out var method))
        {
            Refuse(connection, record, "HubException: Method does not exist.");
            return;
        }

        if (!record.TryGetOnlyArgument(out var argument, out var count))
        {
            Refuse(connection, record, $"InvalidDataException: Invocation provides {count} argument(s) but target expects 1.");
            return;
        }

        try
        {
            method.Invoke(connection, record.InvocationId, argument);
        }
        catch (JsonException)
        {
            Refuse(connection, record, "InvalidDataException: Error binding arguments. Make sure that the types of the provided values match the types of the hub method being invoked.");
        }
    }

    private static void Refuse(ChatConnection connection, HubRecord record, string why)
    {
        if (record.InvocationId is not null)
        {
            connection.Outbox.WriteRecord(HubText.NotBound(record.InvocationId, record.Target ?? "", why));
        }
    }
}
