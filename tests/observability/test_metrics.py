from prometheus_client.parser import text_string_to_metric_families

from kubepy.observability.metrics import Metrics


def test_metrics_are_shared_by_name_and_render_what_a_scraper_reads():
    metrics = Metrics()
    metrics.counter("apiserver_request_total", "Requests", ("verb",)).labels("GET").inc()
    metrics.counter("apiserver_request_total", "Requests", ("verb",)).labels("GET").inc()
    metrics.observe("kubepy_store_revision", "Newest revision", lambda: 7.0)
    families = {f.name: f for f in text_string_to_metric_families(metrics.render().decode())}
    total = next(s for s in families["apiserver_request"].samples if s.name.endswith("_total"))
    assert (total.labels, total.value) == ({"verb": "GET"}, 2.0)
    assert families["kubepy_store_revision"].samples[0].value == 7.0


def test_two_clusters_do_not_share_a_registry():
    one, two = Metrics(), Metrics()
    one.gauge("g", "h").set(1)
    assert b"g 1.0" not in two.render()
