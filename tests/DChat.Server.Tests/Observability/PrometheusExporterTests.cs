using System.Net;
using DChat.Server.Observability;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace DChat.Server.Tests.Observability;

public sealed class PrometheusExporterTests : IDisposable
{
    private readonly DChatMetrics _metrics = new();
    private readonly PrometheusExporter _exporter;

    public PrometheusExporterTests() => _exporter = new PrometheusExporter(_metrics);

    public void Dispose()
    {
        _exporter.Dispose();
        _metrics.Dispose();
    }

    [Fact]
    public void A_counter_ends_in_total_and_adds_up()
    {
        _metrics.Sends.Add(3);
        _metrics.Sends.Add(4);
        Assert.Contains("# TYPE dchat_sends_total counter\ndchat_sends_total 7\n", _exporter.Write(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_has_no_labels_stands_at_zero_before_anything_happened()
    {
        var lines = _exporter.Write().Split('\n');
        Assert.Contains("dchat_sends_total 0", lines);
        Assert.Contains("dchat_deliveries_total 0", lines);
        Assert.Contains("dchat_outbox_overflows_total 0", lines);
        Assert.Contains("dchat_commit_duration_seconds_count 0", lines);
        Assert.Contains("dchat_commit_batch_changes_count 0", lines);
        Assert.Single(lines, "dchat_sends_total 0");
    }

    [Fact]
    public void Labels_are_kept_apart_and_escaped()
    {
        _metrics.Refusals.Add(1, new KeyValuePair<string, object?>("code", "muted"));
        _metrics.Refusals.Add(2, new KeyValuePair<string, object?>("code", "a\"b\\c\nd"));
        var text = _exporter.Write();
        Assert.Contains("dchat_refusals_total{code=\"muted\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("dchat_refusals_total{code=\"a\\\"b\\\\c\\nd\"} 2\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_histogram_has_cumulative_buckets_sum_and_count_in_seconds()
    {
        _metrics.Committed(1, TimeSpan.FromMilliseconds(1));
        _metrics.Committed(3, TimeSpan.FromMilliseconds(3));
        _metrics.Committed(3, TimeSpan.FromSeconds(60));
        var lines = _exporter.Write().Split('\n');
        Assert.Contains("# TYPE dchat_commit_duration_seconds histogram", lines);
        Assert.Contains("dchat_commit_duration_seconds_bucket{le=\"0.0005\"} 0", lines);
        Assert.Contains("dchat_commit_duration_seconds_bucket{le=\"0.001\"} 1", lines);
        Assert.Contains("dchat_commit_duration_seconds_bucket{le=\"0.005\"} 2", lines);
        Assert.Contains("dchat_commit_duration_seconds_bucket{le=\"10\"} 2", lines);
        Assert.Contains("dchat_commit_duration_seconds_bucket{le=\"+Inf\"} 3", lines);
        Assert.Contains("dchat_commit_duration_seconds_count 3", lines);
        Assert.Contains("dchat_commit_duration_seconds_sum 60.004", lines);
        Assert.Contains("dchat_commit_batch_changes_bucket{le=\"5\"} 3", lines);
    }

    [Fact]
    public void A_gauge_is_read_at_each_scrape_and_absent_while_there_is_nothing()
    {
        double? age = null;
        _metrics.ObserveSnapshots(() => age, () => 2, () => 3);
        Assert.DoesNotContain("dchat_snapshot_age_seconds", _exporter.Write(), StringComparison.Ordinal);
        age = 1.5;
        Assert.Contains("# TYPE dchat_snapshot_age_seconds gauge\ndchat_snapshot_age_seconds 1.5\n", _exporter.Write(), StringComparison.Ordinal);
        age = 0;
        Assert.Contains("dchat_snapshot_age_seconds 0\n", _exporter.Write(), StringComparison.Ordinal);
    }

    [Fact]
    public void Counting_from_many_threads_loses_nothing()
    {
        Parallel.For(0, 8, _ =>
        {
            for (var i = 0; i < 10_000; i++)
            {
                _metrics.Deliveries.Add(2);
                _metrics.CommitBatch.Record(1);
            }
        });
        var text = _exporter.Write();
        Assert.Contains("dchat_deliveries_total 160000\n", text, StringComparison.Ordinal);
        Assert.Contains("dchat_commit_batch_changes_count 80000\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Labels_without_end_do_not_grow_the_memory()
    {
        for (var i = 0; i < 5_000; i++)
        {
            _metrics.Refusals.Add(1, new KeyValuePair<string, object?>("code", i));
        }

        Assert.InRange(_exporter.Write().Split('\n').Count(line => line.StartsWith("dchat_refusals_total", StringComparison.Ordinal)), 1, 1_001);
    }

    [Fact]
    public async Task Metrics_are_served_on_the_node_port_and_nowhere_else()
    {
        await using var server = await InProcessServer.StartAsync();
        server.Services.GetRequiredService<DChatMetrics>().Sends.Add(5);
        using var http = new HttpClient();

        var answer = await http.GetAsync(new Uri(server.Node, "/metrics"));
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", answer.Content.Headers.ContentType?.ToString());
        var text = await answer.Content.ReadAsStringAsync();
        Assert.Contains("dchat_sends_total 5\n", text, StringComparison.Ordinal);
        Assert.Contains("dotnet_process_memory_working_set_bytes ", text, StringComparison.Ordinal);

        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync(new Uri(server.Client, "/metrics"))).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync(new Uri(server.Node, "/health/live"))).StatusCode);
    }
}
