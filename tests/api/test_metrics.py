from __future__ import annotations

from kubepy.api import metrics, tables
from kubepy.api.metrics import ContainerUsage, NodeUsage, PodUsage, Usage
from kubepy.api.schema import Schemas
from kubepy.testing.builders import make_node, make_pod

NOW = 1_767_225_600.0
POD = PodUsage((
    ContainerUsage("app", NOW - 10, Usage(125_000_001, 10**9, 5 << 20)),
    ContainerUsage("side", NOW - 10, Usage(125_000_000, 10**9, 3 << 10)),
))  # fmt: skip


def test_a_pod_as_metrics_server_prints_it() -> None:
    made = metrics.pod_metrics(make_pod("p").namespace("default").labels(a="b").obj(), POD, NOW)
    assert made["metadata"]["labels"] == {"a": "b"}
    assert [each["usage"] for each in made["containers"]] == [
        {"cpu": "125000001n", "memory": "5Mi"},
        {"cpu": "125m", "memory": "3Ki"},
    ]
    _, pods = metrics.rows(Schemas())
    table = tables.table(pods, [made], NOW, headers=tables.columns(pods, "1.37"))
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "cpu", "memory", "Window"]
    assert table["rows"][0]["cells"] == ["p", "250000001n", "5123Ki", "15s"]


def test_a_node_as_prometheus_reads_it() -> None:
    node = NodeUsage(NOW, Usage(1, 2 * 10**9, 7), ((make_pod("p").namespace("default").obj(), POD),))
    text = metrics.resource_metrics(node, NOW)
    assert f"node_cpu_usage_seconds_total 2 {int(NOW * 1000)}" in text
    assert 'container_memory_working_set_bytes{container="side",namespace="default",pod="p"} 3072' in text
    assert "# TYPE pod_cpu_usage_seconds_total counter" in text


def test_the_summary_names_pods_and_containers() -> None:
    node = make_node("n").obj()
    pod = make_pod("p").namespace("default").uid("u").obj()
    made = metrics.stats_summary(node, NodeUsage(NOW, POD.total, ((pod, POD),)), NOW)
    assert made["pods"][0]["podRef"] == {"name": "p", "namespace": "default", "uid": "u"}
    assert [each["name"] for each in made["pods"][0]["containers"]] == ["app", "side"]
    assert made["pods"][0]["cpu"]["usageNanoCores"] == 250_000_001
