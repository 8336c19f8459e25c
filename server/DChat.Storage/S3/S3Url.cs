using System.Globalization;

namespace DChat.Storage.S3;

/// <summary>
/// Where a bucket is and how to go there: <c>s3://BUCKET/PREFIX?region=…&amp;endpoint=…</c>. It holds no credentials: those come by the
/// SDK's chain (environment, profile, the machine's role).
/// </summary>
public sealed class S3Url
{
    public const string Scheme = "s3://";

    /// <summary>What may stand after the question mark.</summary>
    public static IReadOnlyList<string> Parameters { get; } = ["region", "endpoint", "path-style", "profile", "encryption", "kms-key", "downloads", "part-size", "parts-at-once"];

    /// <summary>MiB of a part where the URL does not say.</summary>
    public const int DefaultPartMebibytes = 8;

    /// <summary>S3 takes no smaller part but the last.</summary>
    public const int PartMebibytesMin = 5;
    public const int PartMebibytesMax = 256;

    /// <summary>Parts that this process uploads at once where the URL does not say.</summary>
    public const int DefaultPartsAtOnce = 4;
    public const int PartsAtOnceMax = 32;

    /// <summary>With the longest name of a blob it is still a key.</summary>
    public const int PrefixLengthMax = 200;

    private const int BucketLengthMin = 3;
    private const int BucketLengthMax = 63;
    private const string NoCredentials = "a URL holds no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile with profile=, or give the machine a role";

    private readonly string _text;

    private S3Url(string text) => _text = text;

    public required string Bucket { get; init; }

    /// <summary>Empty, or what all keys begin with, a slash at its end.</summary>
    public required string Prefix { get; init; }

    /// <summary>Null: as the SDK finds it (AWS_REGION, profile, instance).</summary>
    public string? Region { get; init; }

    /// <summary>Another server than AWS; null: AWS.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>Whether the bucket stands in the path and not in the host's name; that is the default with an endpoint.</summary>
    public bool PathStyle { get; init; }

    /// <summary>Of the AWS configuration files; null: the default one, or the environment, or the machine's role.</summary>
    public string? Profile { get; init; }

    public S3Encryption Encryption { get; init; }

    /// <summary>An id, ARN or alias; null: the account's own key for S3.</summary>
    public string? KmsKey { get; init; }

    /// <summary>Whether clients fetch files from S3 themselves, by presigned addresses.</summary>
    public bool PresignsDownloads { get; init; } = true;

    /// <summary>Bytes; what is not larger is put at once.</summary>
    public int PartBytes { get; init; } = DefaultPartMebibytes * 1024 * 1024;

    public int PartsAtOnce { get; init; } = DefaultPartsAtOnce;

    /// <summary>Bucket and prefix alone, for logs.</summary>
    public string Place => $"{Scheme}{Bucket}/{Prefix}".TrimEnd('/');

    /// <exception cref="FormatException">Says what is wrong.</exception>
    public static S3Url Parse(string text)
    {
        if (!text.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            throw new FormatException($"it does not begin with {Scheme}");
        }

        var (place, query) = Cut(text[Scheme.Length..], '?');
        if (place.Contains('@', StringComparison.Ordinal))
        {
            throw new FormatException(NoCredentials);
        }

        var (bucket, prefix) = Cut(place, '/');
        var given = Read(query);
        var endpoint = given.GetValueOrDefault("endpoint") is { } address ? ParseEndpoint(address) : null;
        var encryption = given.GetValueOrDefault("encryption") switch
        {
            null => S3Encryption.Bucket,
            "AES256" => S3Encryption.Aes256,
            "aws:kms" => S3Encryption.Kms,
            _ => throw new FormatException("encryption is AES256 or aws:kms; without it the bucket's own default holds"),
        };
        if (given.ContainsKey("kms-key") && encryption != S3Encryption.Kms)
        {
            throw new FormatException("kms-key needs encryption=aws:kms");
        }

        if (endpoint is not null && !given.ContainsKey("region"))
        {
            throw new FormatException("an endpoint needs region=, by which requests are signed; where the server knows none, us-east-1");
        }

        return new S3Url(text)
        {
            Bucket = IsBucket(bucket) ? bucket : throw new FormatException($"what follows {Scheme} is no bucket's name: {BucketLengthMin} to {BucketLengthMax} of a-z 0-9 . -"),
            Prefix = ParsePrefix(prefix),
            Region = given.GetValueOrDefault("region"),
            Endpoint = endpoint,
            PathStyle = OneOf(given, "path-style", "true", "false") ?? endpoint is not null,
            Profile = given.GetValueOrDefault("profile"),
            Encryption = encryption,
            KmsKey = given.GetValueOrDefault("kms-key"),
            PresignsDownloads = OneOf(given, "downloads", "redirect", "server") ?? true,
            PartBytes = Number(given, "part-size", PartMebibytesMin, PartMebibytesMax, DefaultPartMebibytes) * 1024 * 1024,
            PartsAtOnce = Number(given, "parts-at-once", 1, PartsAtOnceMax, DefaultPartsAtOnce),
        };
    }

    /// <summary>
    /// The text with stars in place of whatever might be a secret that somebody wrote into it: what is before an @ or beside a colon, and
    /// values of parameters that there are not. Another text than an S3 URL stays as it is.
    /// </summary>
    public static string Mask(string text)
    {
        const string stars = "********";
        if (!text.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return text;
        }

        var (place, query) = Cut(text, '?');
        var plain = Uri.UnescapeDataString(place);
        if (place.LastIndexOf('@') is > 0 and var at)
        {
            place = Scheme + stars + place[at..];
        }
        else if (plain.LastIndexOf(':') >= Scheme.Length || plain.Contains('@', StringComparison.Ordinal))
        {
            place = Scheme + stars;
        }

        var parameters = query.Split('&').Select(parameter => Cut(parameter, '='))
            .Select(parameter => parameter.After.Length == 0 ? parameter.Before
                : Parameters.Contains(parameter.Before) && !Uri.UnescapeDataString(parameter.After).Contains('@', StringComparison.Ordinal) ? $"{parameter.Before}={parameter.After}"
                : $"{parameter.Before}={stars}");
        return query.Length == 0 ? place : $"{place}?{string.Join('&', parameters)}";
    }

    public override string ToString() => _text;

    private static Dictionary<string, string> Read(string query)
    {
        var given = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var parameter in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var (name, value) = Cut(parameter, '=');
            if (!Parameters.Contains(name))
            {
                throw new FormatException(
                    name.Contains("key", StringComparison.OrdinalIgnoreCase) || name.Contains("secret", StringComparison.OrdinalIgnoreCase) || name.Contains("token", StringComparison.OrdinalIgnoreCase)
                        ? NoCredentials
                        : $"it has an unknown parameter \"{name}\"; there are {string.Join(", ", Parameters)}");
            }

            given[name] = value.Length > 0 ? Uri.UnescapeDataString(value) : throw new FormatException($"{name} is empty");
        }

        return given;
    }

    private static Uri ParseEndpoint(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var endpoint)
        && endpoint.Scheme is "http" or "https"
        && endpoint is { AbsolutePath: "/", Query: "", Fragment: "", UserInfo: "" }
            ? endpoint
            : throw new FormatException(text.Contains('@', StringComparison.Ordinal) ? NoCredentials : "endpoint is an address such as https://s3.example:9000");

    private static string ParsePrefix(string text)
    {
        var prefix = Uri.UnescapeDataString(text).Trim('/');
        return prefix.Length == 0 ? ""
            : prefix.Length <= PrefixLengthMax && prefix.Split('/').All(IsSegment) ? prefix + "/"
            : throw new FormatException($"a prefix is at most {PrefixLengthMax} of A-Z a-z 0-9 . _ - / without empty parts");
    }

    private static bool IsSegment(string segment) =>
        segment is not ("" or "." or "..") && segment.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '_' or '-');

    private static bool IsBucket(string name) =>
        name.Length is >= BucketLengthMin and <= BucketLengthMax
        && name.All(letter => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter is '.' or '-')
        && char.IsAsciiLetterOrDigit(name[0]) && char.IsAsciiLetterOrDigit(name[^1]);

    private static bool? OneOf(Dictionary<string, string> given, string name, string yes, string no) => given.TryGetValue(name, out var value)
        ? value == yes ? true : value == no ? false : throw new FormatException($"{name} is {yes} or {no}")
        : null;

    private static int Number(Dictionary<string, string> given, string name, int min, int max, int otherwise) => !given.TryGetValue(name, out var value) ? otherwise
        : int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max ? number
        : throw new FormatException($"{name} is a whole number from {min} to {max}{(name == "part-size" ? ", in MiB" : "")}");

    private static (string Before, string After) Cut(string text, char at)
    {
        var index = text.IndexOf(at, StringComparison.Ordinal);
        return index < 0 ? (text, "") : (text[..index], text[(index + 1)..]);
    }
}

/// <summary>How S3 is asked to encrypt what it stores.</summary>
public enum S3Encryption
{
    /// <summary>As the bucket says.</summary>
    Bucket,

    /// <summary>With keys of S3's own.</summary>
    Aes256,

    /// <summary>With a key of KMS.</summary>
    Kms,
}
