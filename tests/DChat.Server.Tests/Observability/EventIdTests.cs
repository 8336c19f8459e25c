using System.Reflection;
using DChat.Storage.Sqlite;
using Microsoft.Extensions.Logging;

namespace DChat.Server.Tests.Observability;

/// <summary>An event id is what an operator looks for and alerts on: it means one thing.</summary>
public sealed class EventIdTests
{
    private const BindingFlags Declared = BindingFlags.DeclaredOnly | BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    [Fact]
    public void No_two_log_messages_share_an_id()
    {
        var messages = new[] { typeof(ServerApp).Assembly, typeof(SqliteFile).Assembly }
            .SelectMany(assembly => assembly.GetTypes())
            .SelectMany(type => type.GetMethods(Declared))
            .Select(method => (Method: method, Id: method.GetCustomAttribute<LoggerMessageAttribute>()?.EventId))
            .Where(message => message.Id is not null)
            .ToList();
        Assert.NotEmpty(messages);
        Assert.Empty(messages
            .GroupBy(message => message.Id)
            .Where(group => group.Count() > 1)
            .Select(group => $"{group.Key}: {string.Join(", ", group.Select(message => $"{message.Method.DeclaringType}.{message.Method.Name}"))}"));
    }
}
