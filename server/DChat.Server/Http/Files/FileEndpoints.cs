using System.Globalization;
using System.Text;
using DChat.Core.Rooms;
using DChat.Protocol;
using DChat.Server.Cli;
using DChat.Server.Security;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;
using FileInfo = DChat.Protocol.FileInfo;

namespace DChat.Server.Http.Files;

/// <summary>Uploading a file to a room, and downloading it: for its members only.</summary>
internal sealed class FileEndpoints(RegistryWrites registry, RoomFiles files, LimitsOptions limits, TimeProvider time) : IApiEndpoints, IDisposable
{
    /// <summary>What a form holds besides the file, in bytes.</summary>
    private const int FormOverhead = 64 * 1024;

    /// <summary>What is too large by no more than this, in bytes, is read to its end: a client that is still writing when the connection ends does not learn why.</summary>
    private const int DrainedMax = 16 * 1024 * 1024;
    private const int NameMax = 255;
    private const int SectionsMax = 10;
    private const int BoundaryMax = 70;
    private const string NoScript = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

    /// <summary>The longest time that one upload may take; a slower one would hold its place for ever.</summary>
    private static readonly TimeSpan UploadTime = TimeSpan.FromMinutes(15);

    /// <summary>How long an address of the storage itself is good.</summary>
    private static readonly TimeSpan PresignedLifetime = TimeSpan.FromSeconds(60);

    private readonly SemaphoreSlim _uploads = new(limits.ConcurrentUploads);
    private readonly HourlyQuota _quota = new(limits.FilesPerHour, time);

    public void Map(ApiRouter router)
    {
        router.Post("/api/rooms/{room}/files", ApiAccess.SignedIn, UploadAsync);
        router.Get("/api/files/{id}", ApiAccess.SignedIn, DownloadAsync);
    }

    public void Dispose() => _uploads.Dispose();

    private async Task<IResult> UploadAsync(ApiCall call)
    {
        var room = call.Route("room");
        if (registry.State.Check(registry.State.FindRoom(room), call.User, RoomAction.Send, registry.Now) is { } refusal)
        {
            throw new ApiException(refusal, "You can not upload to this room.");
        }

        if (!_quota.TryTake(call.User, out var wait))
        {
            throw new ApiException(ErrorCodes.RateLimited, "You have uploaded many files; try later.", wait);
        }

        if (!await _uploads.WaitAsync(TimeSpan.Zero, call.Aborted))
        {
            throw new ApiException(ErrorCodes.RateLimited, "Too many uploads run at this moment; try again.", TimeSpan.FromSeconds(1));
        }

        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(call.Aborted);
            limit.CancelAfter(UploadTime);
            var stored = await StoreAsync(call, room, limit.Token);
            call.Context.Response.Headers.Location = $"/api/files/{stored.Id}";
            return ApiCall.Json(new FileInfo(stored.Id, stored.Name, stored.Size, stored.Type), ProtocolJson.Wire.FileInfo, StatusCodes.Status201Created);
        }
        catch (OperationCanceledException) when (!call.Aborted.IsCancellationRequested)
        {
            throw new ApiException(StatusCodes.Status408RequestTimeout, ErrorCodes.InvalidArgument, $"The upload took longer than {UploadTime.TotalMinutes} minutes.");
        }
        finally
        {
            _uploads.Release();
        }
    }

    private async Task<StoredFile> StoreAsync(ApiCall call, string room, CancellationToken cancellation)
    {
        var context = call.Context;
        var most = limits.FileBytes == 0 ? long.MaxValue - DrainedMax : limits.FileBytes + FormOverhead;
        context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = most + DrainedMax;
        if (context.Request.ContentLength > most)
        {
            throw new ApiException(ErrorCodes.TooLarge, $"A file has at most {limits.FileBytes} bytes here.");
        }

        if (!MediaTypeHeaderValue.TryParse(context.Request.ContentType, out var type)
            || !type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase)
            || HeaderUtilities.RemoveQuotes(type.Boundary).Value is not { Length: > 0 and <= BoundaryMax } boundary)
        {
            throw new ApiException(StatusCodes.Status415UnsupportedMediaType, ErrorCodes.InvalidArgument, "Send the file as multipart/form-data.");
        }

        try
        {
            var reader = new MultipartReader(boundary, context.Request.Body);
            for (var i = 0; i < SectionsMax && await reader.ReadNextSectionAsync(cancellation) is { } section; i++)
            {
                if (ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out var disposition) && disposition.IsFileDisposition())
                {
                    var name = disposition.FileNameStar.HasValue ? disposition.FileNameStar : HeaderUtilities.RemoveQuotes(disposition.FileName);
                    var content = new UploadStream(section.Body, limits.FileBytes == 0 ? long.MaxValue : limits.FileBytes);
                    return await files.StoreAsync(room, call.User, CleanName(name.Value), section.ContentType, content, Accept, cancellation);
                }
            }
        }
        catch (Exception e) when (e is InvalidDataException || (e is IOException and not BadHttpRequestException))
        {
            throw new ApiException(ErrorCodes.InvalidArgument, "The form is broken off or malformed.");
        }

        throw new ApiException(ErrorCodes.InvalidArgument, "The form holds no file.");
    }

    private void Accept(string type)
    {
        if (!FileType.IsAllowed(type, limits.FileTypes))
        {
            throw new ApiException(StatusCodes.Status415UnsupportedMediaType, ErrorCodes.InvalidArgument, $"Files of type {type} are not taken here, only {limits.FileTypes}.");
        }
    }

    private async Task<IResult> DownloadAsync(ApiCall call)
    {
        // Whoever may not have it learns no more than that there is nothing.
        if (FileId.Parse(call.Route("id")) is not { } id
            || registry.State.Check(registry.State.FindRoom(id.Room), call.User, RoomAction.Read, registry.Now) is not null
            || await files.FindAsync(id, call.Aborted) is not { } file)
        {
            throw new ApiException(ErrorCodes.NotFound, "There is no such file.");
        }

        var disposition = new ContentDispositionHeaderValue(FileType.IsShown(file.Type) ? "inline" : "attachment");
        disposition.SetHttpFileName(file.Name);
        var headers = call.Context.Response.Headers;
        headers.CacheControl = "private, no-store";
        if (await files.PresignAsync(id, PresignedLifetime, disposition.ToString(), file.Type, call.Aborted) is { } address)
        {
            headers["Referrer-Policy"] = "no-referrer";
            return Results.Redirect(address.AbsoluteUri);
        }

        if (await files.OpenAsync(id, call.Aborted) is not { } content)
        {
            throw new ApiException(ErrorCodes.NotFound, "There is no such file.");
        }

        headers.ContentDisposition = disposition.ToString();
        headers.XContentTypeOptions = "nosniff";
        headers.ContentSecurityPolicy = NoScript;
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        if (!content.Stream.CanSeek)
        {
            headers.ContentLength = content.Size;
        }

        return Results.Stream(content.Stream, file.Type, entityTag: new EntityTagHeaderValue($"\"{id.Random}\""), enableRangeProcessing: content.Stream.CanSeek);
    }

    /// <summary>A name without folders and without what a terminal or a header would take for something else.</summary>
    internal static string CleanName(string? name)
    {
        var last = (name ?? "").Split('/', '\\')[^1];
        var clean = string.Concat(last.EnumerateRunes().Where(rune => !Rune.IsControl(rune) && Rune.GetUnicodeCategory(rune) is not UnicodeCategory.Format)).Trim();
        if (clean.Length > NameMax)
        {
            clean = clean[..(char.IsHighSurrogate(clean[NameMax - 1]) ? NameMax - 1 : NameMax)];
        }

        return clean.Trim('.').Length == 0 ? "file" : clean;
    }
}
