using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Output;

/// <summary>JSON on one line that loses nothing and still does nothing to a terminal: what <see cref="SafeText"/> takes out is written as <c>\uXXXX</c>.</summary>
internal static class SafeJson
{
    public static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
    };

    public static string Write(object value)
    {
        var json = JsonSerializer.Serialize(value, value.GetType(), Options);
        if (json.EnumerateRunes().All(SafeText.IsSafe))
        {
            return json;
        }

        var safe = new StringBuilder(json.Length);
        foreach (var rune in json.EnumerateRunes())
        {
            if (SafeText.IsSafe(rune))
            {
                safe.Append(rune);
                continue;
            }

            // Outside of strings JSON has no such character, so it stands in one, where the escape means the same.
            foreach (var unit in rune.ToString())
            {
                safe.Append(CultureInfo.InvariantCulture, $"\\u{(int)unit:x4}");
            }
        }

        return safe.ToString();
    }
}
