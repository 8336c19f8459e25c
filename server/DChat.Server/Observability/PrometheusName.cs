using System.Diagnostics.Metrics;
using System.Text;

namespace DChat.Server.Observability;

/// <summary>How an instrument is called in Prometheus: letters, digits and <c>_</c>, the unit in full, <c>_total</c> on what only grows.</summary>
internal static class PrometheusName
{
    public static string Of(Instrument instrument)
    {
        var name = new StringBuilder();
        foreach (var letter in instrument.Name)
        {
            name.Append(char.IsAsciiLetterOrDigit(letter) ? letter : '_');
        }

        var unit = instrument.Unit switch
        {
            "s" => "_seconds",
            "By" => "_bytes",
            _ => "",
        };
        if (!name.ToString().EndsWith(unit, StringComparison.Ordinal))
        {
            name.Append(unit);
        }

        return IsCounter(instrument) ? name.Append("_total").ToString() : name.ToString();
    }

    public static bool IsCounter(Instrument instrument) => Generic(instrument) is var kind && (kind == typeof(Counter<>) || kind == typeof(ObservableCounter<>));

    public static bool IsHistogram(Instrument instrument) => Generic(instrument) == typeof(Histogram<>);

    /// <summary>Measurements of it are changes to be added up, not the value itself.</summary>
    public static bool Adds(Instrument instrument) => Generic(instrument) is var kind && (kind == typeof(Counter<>) || kind == typeof(UpDownCounter<>));

    private static Type Generic(Instrument instrument) => instrument.GetType().GetGenericTypeDefinition();
}
