using System.Globalization;
using System.Text;

namespace DChat.Terminal.Load;

/// <summary>The report for people.</summary>
internal static class LoadReportText
{
    private const double Kibi = 1024;
    private const double Mebi = Kibi * 1024;

    public static string Write(LoadReport report)
    {
        var text = new StringBuilder();
        Line(text, "scenario", $"{report.Scenario}: {report.Users:N0} users, {report.Rooms:N0} rooms of {report.MembersPerRoom:N0}, {report.Seconds:0.0} s, seed {report.Seed}");
        if (report.Connecting is { } connects)
        {
            Line(text, "connects", $"{connects.Count:N0} in {connects.Seconds:0.00} s, {connects.PerSecond:N0}/s{Of(connects.Latency)}");
        }

        Line(text, "sends", $"{report.Sends:N0}, acknowledged {report.Acknowledged:N0}, refused {report.Refused:N0}, held back and called again {report.HeldBack:N0}, repeated over a new connection {report.Repeated:N0}");
        if (report.FirstRefusal is { } refusal)
        {
            Line(text, "refusal", refusal);
        }

        if (report.FirstHeldBack is { } heldBack)
        {
            Line(text, "held back", heldBack);
        }

        Line(text, "acks", $"{report.AcksPerSecond:N0}/s{Of(report.SendToAck)}");
        Line(text, "deliveries", $"{report.DeliveriesPerSecond:N0}/s{Of(report.SendToDelivery)}");
        if (report.Queries is not null)
        {
            Line(text, "queries", $"{report.QueriesPerSecond:N0}/s{Of(report.Queries)}");
        }

        if (report.SendToAckElsewhere is { } elsewhere)
        {
            Line(text, "", $"in rooms that did not move{Of(elsewhere)}");
        }

        if (report.ResumeSeconds is { } seconds)
        {
            Line(text, "resume", $"all gap-free after {seconds:0.00} s");
        }

        Line(text, "own cpu", $"{report.OwnCpuSeconds:0.00} s, {report.OwnCpuShare:P0} of the machine");
        WriteServer(text, report);
        if (report.Marks + report.MarksUnanswered > 0)
        {
            Line(text, "read marks", $"{report.Marks:N0} answered, {report.MarksUnanswered:N0} never answered");
        }

        Line(text, "connection", $"reconnects {report.Reconnects:N0}, resyncs {report.Resyncs:N0}, resets {report.Resets:N0}");
        WriteVerdict(text, report);
        return text.ToString().TrimEnd();
    }

    private static void WriteServer(StringBuilder text, LoadReport report)
    {
        if (report.ServerResidentBytes == 0)
        {
            return;
        }

        var perMillion = report.Deliveries == 0 ? "" : $", {report.ServerCpuSecondsPerMillionDeliveries:0.00} s a million deliveries";
        var perConnection = report.BytesPerConnection == 0 ? "" : $", {report.BytesPerConnection / Kibi:0.0} KiB a connection";
        Line(text, "server", $"cpu {report.ServerCpuSeconds:0.00} s, {report.ServerCpuShare:P0} of the machine{perMillion}; resident {report.ServerResidentBytes / Mebi:0} MiB{perConnection}");
    }

    private static void WriteVerdict(StringBuilder text, LoadReport report)
    {
        var verdict = report.Verdict;
        foreach (var note in report.Notes)
        {
            Line(text, "note", note);
        }

        Line(text, "verdict", $"{(verdict.IsClean ? "clean" : "NOT CLEAN")}: missing {verdict.Missing}, doubled {verdict.Doubled}, out of order {verdict.OutOfOrder}, holes {verdict.Holes}, differing {verdict.Differing}, phantom {verdict.Phantom}");
        foreach (var example in verdict.Examples)
        {
            Line(text, "", example);
        }
    }

    private static string Of(LoadReport.Latency? latency) => latency is null
        ? ""
        : $"; ms p50 {latency.P50:0.00}, p95 {latency.P95:0.00}, p99 {latency.P99:0.00}, max {latency.Max:0.00}";

    private static void Line(StringBuilder text, string name, FormattableString value) =>
        text.Append(name.PadRight(12)).AppendLine(value.ToString(CultureInfo.InvariantCulture));

    private static void Line(StringBuilder text, string name, string value) => text.Append(name.PadRight(12)).AppendLine(value);
}
