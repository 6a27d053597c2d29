from kubepy.api import objects
from kubepy.testing.builders import (
    make,
    make_config_map,
    make_custom_kind,
    make_deployment,
    make_node,
    make_pod,
    make_service,
)


def test_a_pod_reads_as_a_sentence():
    pod = (
        make_pod("web-0")
        .image("nginx")
        .requests(cpu="100m")
        .port(80)
        .label("app", "web")
        .on("n1")
        .ready()
        .obj()
    )
    assert pod["metadata"] == {"name": "web-0", "namespace": "default", "labels": {"app": "web"}}
    assert pod["spec"] == {
        "nodeName": "n1",
        "containers": [
            {
                "name": "app",
                "image": "nginx",
                "resources": {"requests": {"cpu": "100m"}},
                "ports": [{"containerPort": 80, "protocol": "TCP"}],
            }
        ],
    }
    assert pod["status"]["phase"] == "Running"
    assert objects.is_condition_true(pod, "Ready")


def test_a_pod_that_is_told_nothing_has_one_container():
    assert [c["name"] for c in make_pod("a").obj()["spec"]["containers"]] == ["app"]


def test_a_condition_replaces_the_one_of_its_type():
    pod = make_pod("a").ready().condition("Ready", "False").obj()
    assert not objects.is_condition_true(pod, "Ready")
    assert len(objects.conditions(pod)) == 4


def test_what_obj_gives_is_the_callers_own():
    builder = make_pod("a")
    builder.obj()["metadata"]["name"] = "changed"
    assert builder.obj()["metadata"]["name"] == "a"


def test_a_workload_selects_its_own_pods():
    obj = make_deployment("web").replicas(3).image("nginx").tolerates("gpu", effect="NoSchedule").obj()
    assert obj["spec"]["selector"] == {"matchLabels": {"app": "web"}}
    assert obj["spec"]["template"]["metadata"]["labels"] == {"app": "web"}
    assert obj["spec"]["template"]["spec"]["containers"] == [{"name": "app", "image": "nginx"}]
    assert obj["spec"]["template"]["spec"]["tolerations"] == [
        {"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}
    ]
    other = make_deployment("web").selects(tier="x").pod_label("y", "z").obj()["spec"]
    assert other["selector"]["matchLabels"] == {"tier": "x"}
    assert other["template"]["metadata"]["labels"] == {"tier": "x", "y": "z"}


def test_a_node_is_cluster_scoped():
    node = make_node("n1").capacity(cpu="4").taint("dedicated", "gpu").not_ready("Unknown").obj()
    assert "namespace" not in node["metadata"]
    assert node["status"]["allocatable"] == {"cpu": "4"}
    assert node["spec"]["taints"] == [{"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}]
    assert objects.condition(node, "Ready")["status"] == "Unknown"


def test_owners_and_other_kinds():
    owner = make("example.com/v1", "Widget", "w", namespaced=False).uid("u").spec(size=3).obj()
    child = make_config_map("c", a="b").namespace("x").owned_by(owner).finalizer("f/g").obj()
    assert objects.controller_of(child)["kind"] == "Widget"
    assert child["data"] == {"a": "b"}
    assert objects.key_of(child) == ("x", "c")
    assert objects.controller_of(make_config_map("c").owned_by(owner, controller=False).obj()) is None


def test_a_service():
    spec = make_service("web").selects(app="web").port(80, target="http", name="http").obj()["spec"]
    assert spec == {
        "selector": {"app": "web"},
        "ports": [{"port": 80, "protocol": "TCP", "targetPort": "http", "name": "http"}],
    }


async def test_a_custom_kind_is_served(cluster):
    kind = make_custom_kind("Widget").cluster_wide().schema(size={"type": "integer"}).with_status()
    await cluster.create(kind)
    await cluster.settle()
    made = await cluster.create(
        make("example.com/v1", "Widget", "w", namespaced=False).spec(size=3, colour="red")
    )
    assert made["spec"] == {"size": 3}
    scaled = make_custom_kind("Gear", group="g.io").with_scale("copies").obj()
    assert scaled["metadata"]["name"] == "gears.g.io"
    assert scaled["spec"]["versions"][0]["subresources"]["scale"]["specReplicasPath"] == ".spec.copies"
