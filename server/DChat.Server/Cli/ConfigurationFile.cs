using System.Text.Json;

namespace DChat.Server.Cli;

/// <summary>Reads a <c>--config</c> file: a JSON object, nested as the keys are dotted; comments and trailing commas are allowed.</summary>
internal static class ConfigurationFile
{
    /// <summary>A larger file is not one of ours, in bytes.</summary>
    private const long SizeMax = 1024 * 1024;
    private const int DepthMax = 4;

    /// <returns>Dotted keys and their values as text.</returns>
    /// <exception cref="ConfigurationException">There is no such file, or it is not such JSON.</exception>
    public static IReadOnlyList<KeyValuePair<string, string>> Read(string path)
    {
        var where = $"{Settings.ConfigFlag} {path}";
        try
        {
            if (new System.IO.FileInfo(path).Length > SizeMax)
            {
                throw new ConfigurationException(where, "the file is larger than 1 MiB", "name a configuration file");
            }

            using var document = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions
            {
                CommentHandling = JsonCommentHandling.Skip,
                AllowTrailingCommas = true,
                AllowDuplicateProperties = false,
                MaxDepth = DepthMax,
            });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw new ConfigurationException(where, "the file does not hold a JSON object", "write it as { \"port\": 8080 }");
            }

            var found = new List<KeyValuePair<string, string>>();
            Flatten(where, "", document.RootElement, found);
            return found;
        }
        catch (JsonException e)
        {
            throw new ConfigurationException(where, $"line {e.LineNumber + 1} is not JSON: {e.Message}", "mend it; `dchat-server config show` lists all keys");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException(where, $"the file can not be read: {e.Message}", "name a file that is there and that this user may read");
        }
    }

    private static void Flatten(string where, string prefix, JsonElement element, List<KeyValuePair<string, string>> found)
    {
        foreach (var property in element.EnumerateObject())
        {
            var key = prefix + property.Name;
            switch (property.Value.ValueKind)
            {
                case JsonValueKind.Object:
                    Flatten(where, key + ".", property.Value, found);
                    break;
                case JsonValueKind.String:
                    found.Add(new(key, property.Value.GetString()!));
                    break;
                case JsonValueKind.Number:
                    found.Add(new(key, property.Value.GetRawText()));
                    break;
                case JsonValueKind.Array when property.Value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String):
                    found.Add(new(key, string.Join(',', property.Value.EnumerateArray().Select(item => item.GetString()))));
                    break;
                default:
                    throw new ConfigurationException(where, $"\"{key}\" is neither text, number nor object", "see `dchat-server config show` for a right value");
            }
        }
    }
}
