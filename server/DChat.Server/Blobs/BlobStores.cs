using DChat.Core.Blobs;
using DChat.Server.Cli;
using DChat.Server.Observability;
using DChat.Storage.Files;
using DChat.Storage.S3;

namespace DChat.Server.Blobs;

/// <summary>The blob store that the options name.</summary>
internal static class BlobStores
{
    public static void AddBlobs(this IServiceCollection services, ServerOptions options) => services.AddSingleton<IBlobStore>(provider => new WatchedBlobStore(
        Open(options.Blobs ?? new EngineUrl("file", options.BlobsPath), provider.GetRequiredService<ILoggerFactory>()),
        provider.GetRequiredService<DChatMetrics>(),
        provider.GetRequiredService<TimeProvider>(),
        provider.GetRequiredService<ILogger<WatchedBlobStore>>()));

    public static IBlobStore Open(EngineUrl place, ILoggerFactory logs) => place.S3 is { } url
        ? S3BlobStore.Open(new S3BlobStoreOptions { Url = url }, logs.CreateLogger<S3BlobStore>())
        : FileBlobStore.OpenFolder(place.Path);
}
