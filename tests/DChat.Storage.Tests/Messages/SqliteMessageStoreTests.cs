using DChat.Core.Messages;
using DChat.Storage.Sqlite.Messages;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit.Abstractions;

namespace DChat.Storage.Tests.Messages;

public sealed class SqliteMessageStoreTests(ITestOutputHelper output) : MessageStoreSpec(output)
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dchat-messages-").FullName;

    protected override Task<IMessageStore> OpenStoreAsync() => Task.FromResult<IMessageStore>(SqliteMessageStore.Open(
        new SqliteMessageStoreOptions { Path = Path.Combine(_folder, "messages.db"), IndexDelay = TimeSpan.FromMilliseconds(5) },
        TimeProvider.System,
        NullLogger<SqliteMessageStore>.Instance));

    protected override Task DeleteDataAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return Task.CompletedTask;
    }
}
