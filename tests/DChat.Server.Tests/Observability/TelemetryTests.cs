using System.Net;
using System.Text;
using DChat.TestKit;

namespace DChat.Server.Tests.Observability;

public sealed class TelemetryTests
{
    [Fact]
    public async Task Metrics_and_logs_go_to_the_collector_that_the_environment_names()
    {
        var collector = new Uri($"http://127.0.0.1:{FreePort.Next()}/");
        using var listener = new HttpListener();
        listener.Prefixes.Add(collector.ToString());
        listener.Start();
        await using var server = await ServerProcess.StartAsync(environment: new Dictionary<string, string>
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.ToString(),
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
            ["OTEL_METRIC_EXPORT_INTERVAL"] = "200",
            ["OTEL_BLRP_SCHEDULE_DELAY"] = "200",
        });

        await ReceiveAsync(listener, ["/v1/metrics dchat.log.index", "/v1/metrics dchat-server", "/v1/logs leads in term", "/v1/logs dchat-server"]).Within(TimeSpan.FromSeconds(60));

        // Nobody answers any more: else the server's last export would wait for it.
        listener.Stop();
    }

    /// <summary>Takes exports until each of these was in one: its path, and a text in it.</summary>
    private static async Task ReceiveAsync(HttpListener listener, HashSet<string> missing)
    {
        while (missing.Count > 0)
        {
            var call = await listener.GetContextAsync();
            using var body = new MemoryStream();
            await call.Request.InputStream.CopyToAsync(body);
            var text = Encoding.Latin1.GetString(body.ToArray());
            Assert.DoesNotContain("unknown_service", text, StringComparison.Ordinal);
            missing.RemoveWhere(wanted => wanted.Split(' ', 2) is [var path, var what] && call.Request.Url!.AbsolutePath == path && text.Contains(what, StringComparison.Ordinal));
            call.Response.Close();
        }
    }
}
