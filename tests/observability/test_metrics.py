from prometheus_client.parser import text_string_to_metric_families

from kubepy.observability.metrics import Metrics, Samples


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


def test_samples_that_are_kept_elsewhere():
    samples, metrics = Samples((0, 0.5, 10)), Metrics()
    for value in (0, 0.1, 0.5, 7, 11):
        samples.add(value)
    metrics.observe_samples("waiting_seconds", "h", ("who",), lambda: [(("jane",), samples)])
    (family,) = text_string_to_metric_families(metrics.render().decode())
    read = {sample.labels.get("le", sample.name): sample.value for sample in family.samples}
    assert read == {
        "0": 1.0, "0.5": 3.0, "10": 4.0, "+Inf": 5.0, "waiting_seconds_count": 5.0, "waiting_seconds_sum": 18.6,
    }  # fmt: skip
