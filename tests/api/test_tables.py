import pytest

from kubepy.api import tables
from kubepy.api.builtins import (
    BUILTINS,
    CONFIG_MAPS,
    CUSTOM_RESOURCE_DEFINITIONS,
    DEPLOYMENTS,
    DEVICE_TAINT_RULES,
    EVENTS,
    JOBS,
    NODES,
    OPTIONAL,
    POD_CERTIFICATE_REQUESTS,
    PODS,
    SERVICES,
    STORAGE_VERSION_MIGRATIONS,
    Catalog,
)
from kubepy.api.schema import Schemas
from kubepy.lib.clock import rfc3339

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-2, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (130, "2m10s"),
        (599, "9m59s"),
        (600, "10m"),
        (10799, "179m"),
        (10800, "3h"),
        (10860, "3h1m"),
        (8 * 3600, "8h"),
        (47 * 3600, "47h"),
        (48 * 3600, "2d"),
        (49 * 3600, "2d1h"),
        (8 * 86400, "8d"),
        (729 * 86400, "729d"),
        (730 * 86400, "2y"),
        (731 * 86400, "2y1d"),
        (9 * 365 * 86400, "9y"),
    ],
)
def test_human_durations(seconds, text):
    assert tables.human_duration(seconds) == text


def pod(phase="Running", statuses=(), init=(), init_statuses=(), conditions=(), **more):
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "creationTimestamp": rfc3339(NOW - 300)} | more.pop("metadata", {}),
        "spec": {
            "containers": [{"name": f"c{i}"} for i in range(max(1, len(statuses)))],
            "initContainers": list(init),
        },
        "status": {
            "phase": phase,
            "containerStatuses": list(statuses),
            "initContainerStatuses": list(init_statuses),
            "conditions": list(conditions),
        }
        | more,
    }


def running(ready=True, restarts=0, last=None):
    made = {"name": "c0", "ready": ready, "restartCount": restarts, "state": {"running": {}}}
    return made | (
        {"lastState": {"terminated": {"finishedAt": rfc3339(NOW - last)}}} if last is not None else {}
    )


def waiting(reason, name="c0"):
    return {"name": name, "restartCount": 0, "state": {"waiting": {"reason": reason}}}


def ended(code=0, reason="", signal=0, name="c0"):
    terminated = {"exitCode": code, "reason": reason, "signal": signal}
    return {"name": name, "restartCount": 0, "state": {"terminated": terminated}}


INIT = [{"name": "i0"}, {"name": "i1"}]
SIDECAR = [{"name": "s", "restartPolicy": "Always"}]
READY = [{"type": "Ready", "status": "True"}]


# (pod, READY, STATUS, RESTARTS); Source: kubernetes pkg/printers/internalversion/printers_test.go TestPrintPod.
@pytest.mark.parametrize(
    ("made", "ready", "status", "restarts"),
    [
        (pod("Pending"), "0/1", "Pending", "0"),
        (pod(statuses=[running()]), "1/1", "Running", "0"),
        (pod(statuses=[running(restarts=3, last=300)]), "1/1", "Running", "3 (5m ago)"),
        (pod(statuses=[waiting("ContainerCreating")]), "0/1", "ContainerCreating", "0"),
        (pod(statuses=[waiting("CrashLoopBackOff"), running()]), "1/2", "CrashLoopBackOff", "0"),
        (pod("Succeeded", [ended(reason="Completed")]), "0/1", "Completed", "0"),
        (pod("Failed", [ended(1, reason="Error")]), "0/1", "Error", "0"),
        (pod("Failed", [ended(1)]), "0/1", "ExitCode:1", "0"),
        (pod("Failed", [ended(137, signal=9)]), "0/1", "Signal:9", "0"),
        (pod("Failed", reason="Evicted"), "0/1", "Evicted", "0"),
        (pod(statuses=[ended(reason="Completed"), running()], conditions=READY), "1/2", "Running", "0"),
        (pod(statuses=[ended(reason="Completed"), running()]), "1/2", "NotReady", "0"),
        (pod(statuses=[ended(reason="Completed"), ended(2, reason="Error")]), "0/2", "Error", "0"),
        (pod(statuses=[running()], metadata={"deletionTimestamp": rfc3339(NOW)}), "1/1", "Terminating", "0"),
        (pod("Succeeded", metadata={"deletionTimestamp": rfc3339(NOW)}), "0/1", "Succeeded", "0"),
        (pod(metadata={"deletionTimestamp": rfc3339(NOW)}, reason="NodeLost"), "0/1", "Unknown", "0"),
        (pod("Pending", init=INIT, init_statuses=[waiting("PodInitializing", "i0")]), "0/1", "Init:0/2", "0"),
        (
            pod("Pending", init=INIT, init_statuses=[ended(name="i0"), waiting("ImagePullBackOff", "i1")]),
            "0/1",
            "Init:ImagePullBackOff",
            "0",
        ),
        (pod("Failed", init=INIT, init_statuses=[ended(3, name="i0")]), "0/1", "Init:ExitCode:3", "0"),
        (
            pod(init=INIT, init_statuses=[ended(name="i0"), ended(name="i1")], statuses=[running()]),
            "1/1",
            "Running",
            "0",
        ),
        (
            pod(
                init=SIDECAR,
                init_statuses=[
                    {"name": "s", "ready": True, "started": True, "restartCount": 2, "state": {"running": {}}}
                ],
                statuses=[running()],
            ),
            "2/2",
            "Running",
            "2",
        ),
        (
            pod(
                "Pending",
                conditions=[{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}],
            ),
            "0/1",
            "SchedulingGated",
            "0",
        ),
    ],
)
def test_pod_status(made, ready, status, restarts):
    cells = tables.row(PODS, made, NOW)["cells"]
    assert cells[:5] == ["web", ready, status, restarts, "5m"]
    assert cells[5:] == ["<none>"] * 4


def test_wide_pod_cells():
    made = pod(
        podIPs=[{"ip": "10.0.0.1"}], nominatedNodeName="n2", conditions=[{"type": "x/y", "status": "True"}]
    )
    made["spec"] |= {"nodeName": "n1", "readinessGates": [{"conditionType": "x/y"}, {"conditionType": "x/z"}]}
    assert tables.row(PODS, made, NOW)["cells"][5:] == ["10.0.0.1", "n1", "n2", "1/2"]


def test_ended_pods_carry_a_row_condition():
    assert tables.row(PODS, pod("Failed"), NOW)["conditions"][0]["reason"] == "Failed"
    assert "conditions" not in tables.row(PODS, pod(), NOW)


def test_included_objects():
    made = pod()
    partial = tables.row(PODS, made, NOW)["object"]
    assert partial == {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": made["metadata"],
    }
    assert tables.row(PODS, made, NOW, include_object="Object")["object"] is made
    assert tables.row(PODS, made, NOW, include_object="None")["object"] is None


def test_a_table():
    made = tables.table(
        PODS, [pod(), pod()], NOW, metadata={"resourceVersion": "7"}, headers=tables.columns(PODS, "1.37")
    )
    assert (made["kind"], made["apiVersion"], made["metadata"]) == (
        "Table",
        "meta.k8s.io/v1",
        {"resourceVersion": "7"},
    )
    assert [column["name"] for column in made["columnDefinitions"] if not column["priority"]] == [
        "Name",
        "Ready",
        "Status",
        "Restarts",
        "Age",
    ]
    assert made["columnDefinitions"][0]["format"] == "name"
    assert len(made["rows"]) == 2
    assert tables.table(PODS, [], NOW)["columnDefinitions"] is None


def obj(resource, **more):
    metadata = {"name": "x", "creationTimestamp": rfc3339(NOW - 60)} | more.pop("metadata", {})
    return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata} | more


TEMPLATE = {"spec": {"containers": [{"name": "a", "image": "i"}, {"name": "b", "image": "j"}]}}


@pytest.mark.parametrize(
    ("resource", "made", "cells"),
    [
        (
            DEPLOYMENTS,
            {
                "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE},
                "status": {"readyReplicas": 2, "updatedReplicas": 3, "availableReplicas": 1},
            },
            ["x", "2/3", 3, 1, "60s", "a,b", "i,j", "app=web"],
        ),
        (
            NODES,
            {
                "metadata": {"labels": {"node-role.kubernetes.io/worker": "", "kubernetes.io/role": "a"}},
                "spec": {"unschedulable": True},
                "status": {
                    "conditions": [{"type": "Ready", "status": "True"}],
                    "addresses": [{"type": "InternalIP", "address": "10.0.0.9"}],
                    "nodeInfo": {"kubeletVersion": "v1.37.0", "kernelVersion": "6.1", "architecture": "amd64"},
                },
            },
            [
                "x", "Ready,SchedulingDisabled", "a,worker", "60s", "v1.37.0", "10.0.0.9", "<none>", "<unknown>",
                "6.1 (amd64)", "<unknown>",
            ],
        ),
        (
            SERVICES,
            {
                "spec": {
                    "type": "NodePort",
                    "clusterIPs": ["10.96.0.1"],
                    "ports": [{"port": 80, "protocol": "TCP", "nodePort": 30080}, {"port": 53, "protocol": "UDP"}],
                }
            },
            ["x", "NodePort", "10.96.0.1", "<none>", "80:30080/TCP,53/UDP", "60s", "<none>"],
        ),
        (
            JOBS,
            {
                "spec": {"completions": 2, "template": TEMPLATE},
                "status": {"succeeded": 1, "startTime": rfc3339(NOW - 30)},
            },
            ["x", "Running", "1/2", "30s", "60s", "a,b", "i,j", "<none>"],
        ),
        (CONFIG_MAPS, {"data": {"a": "b"}, "binaryData": {"c": ""}}, ["x", 2, "60s"]),
        (
            EVENTS,
            {
                "involvedObject": {"kind": "Pod", "name": "web"},
                "type": "Normal",
                "reason": "Started",
                "message": " hello\n",
                "firstTimestamp": rfc3339(NOW - 50),
                "lastTimestamp": rfc3339(NOW - 5),
                "source": {"component": "kubelet", "host": "n1"},
            },
            ["5s", "Normal", "Started", "pod/web", "", "kubelet, n1", "hello", "50s", 1, "x"],
        ),
    ],
)  # fmt: skip
def test_cells(resource, made, cells):
    if resource is JOBS:
        # A selector of a job that was never given one selects nothing, and prints so.
        made["spec"]["selector"] = None
    assert tables.row(resource, obj(resource, **made), NOW)["cells"] == cells


def test_kinds_of_few_clusters():
    conditions = [{"type": "Issued", "status": "True"}]
    request = {
        "metadata": {"name": "r"},
        "spec": {"podName": "p", "serviceAccountName": "a", "nodeName": "n", "signerName": "x.io/y"},
        "status": {"conditions": conditions},
    }
    row = tables.row(POD_CERTIFICATE_REQUESTS, request, NOW)
    assert row["cells"] == ["r", "p", "a", "n", "x.io/y", "Issued", "<none>"]
    migration = {
        "metadata": {"name": "m"},
        "spec": {"resource": {"group": "apps", "resource": "deployments"}},
        "status": {
            "conditions": [{"type": "Succeeded", "status": "True"}, {"type": "Failed", "status": "False"}]
        },
    }
    row = tables.row(STORAGE_VERSION_MIGRATIONS, migration, NOW)
    assert row["cells"] == ["m", "deployments.apps", "Succeeded"]
    rule = {"metadata": {"name": "t"}, "spec": {"taint": {"key": "k", "effect": "NoExecute"}}}
    row = tables.row(DEVICE_TAINT_RULES, rule, NOW)
    assert row["cells"] == ["t", "k", "", "NoExecute", "", "<unknown>"]


@pytest.mark.parametrize("resource", BUILTINS, ids=str)
def test_every_kind_has_a_cell_per_column_even_when_empty(resource):
    made = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {"name": "x"}}
    assert len(tables.row(resource, made, NOW)["cells"]) == len(tables.columns(resource, "1.37"))


@pytest.mark.parametrize(
    "resource", [row for row in BUILTINS if "watch" in row.verbs and row.schema], ids=str
)
def test_every_kind_prints_the_empty_object_of_a_bookmark(resource):
    blank = Schemas().blank(resource.schema)
    made = {**blank, "kind": resource.kind, "metadata": {"resourceVersion": "1", **blank.get("metadata", {})}}
    (row,) = tables.table(resource, [made], NOW)["rows"]
    assert len(row["cells"]) == len(tables.columns(resource, "1.37"))


@pytest.mark.parametrize("version", ["1.30", "1.37"])
@pytest.mark.parametrize(
    ("kind", "column", "description"),
    [
        (
            "Secret",
            "Type",
            "Used to facilitate programmatic handling of secret data. More info: https://kubernetes",
        ),
        ("ConfigMap", "Data", "Data contains the configuration data. Each key must consist of alphanumeric"),
        ("Pod", "Age", "CreationTimestamp is a timestamp representing the server time"),
        ("ClusterRoleBinding", "Users", "Users in the clusterRoleBinding"),
        (
            "ReplicaSet",
            "Selector",
            "Selector is a label query over pods that should match the replica count.",
        ),
        (
            "CSIDriver",
            "Modes",
            "volumeLifecycleModes defines what kind of volumes this CSI volume driver supports.",
        ),
    ],
)
def test_columns_are_described_by_the_documentation_of_what_they_show(version, kind, column, description):
    (resource,) = (row for row in BUILTINS if row.kind == kind)
    described = {each["name"]: each["description"] for each in tables.columns(resource, version)}
    assert described[column].startswith(description)


def test_every_description_is_found_in_the_newest_version():
    columns = [column for resource in BUILTINS for column in tables.columns(resource, "1.37")]
    # Upstream asks for documentation that there is none of.
    silent = {"BinaryVersion", "EmulationVersion", "Handler"}
    assert {column["name"] for column in columns if not column["description"]} <= silent


def test_every_printer_is_of_a_kind_that_is_served():
    rows = (*BUILTINS, *OPTIONAL)
    served = {(resource.group, resource.kind) for resource in rows}
    served |= {(sub.group, sub.kind) for resource in rows for sub in resource.subresources}
    assert tables.PRINTERS.keys() - served == set()


def test_other_kinds_show_when_they_were_created():
    resource = Catalog(BUILTINS).get("rbac.authorization.k8s.io", "v1", "roles")
    assert tables.row(resource, obj(resource), NOW)["cells"] == ["x", rfc3339(NOW - 60)]
    assert [column["name"] for column in tables.columns(resource, "1.37")] == ["Name", "Created At"]


@pytest.mark.parametrize(
    ("version", "cells"),
    [
        ("1.37", ["tests.mygroup.io", "mygroup.io", "Cluster", "v1,v2", "2025-05-03T12:00:00Z"]),
        ("1.36", ["tests.mygroup.io", "2025-05-03T12:00:00Z"]),
    ],
)
def test_definitions_have_columns_since_1_37(version: str, cells: list[str]) -> None:
    """Source: tableconvertor_test.go of customresourcedefinition."""
    spec = {"group": "mygroup.io", "scope": "Cluster", "versions": [{"name": "v2"}, {"name": "v1"}]}
    metadata = {"name": "tests.mygroup.io", "creationTimestamp": "2025-05-03T12:00:00Z"}
    made = {"metadata": metadata, "spec": spec}
    headers = tables.columns(CUSTOM_RESOURCE_DEFINITIONS, version)
    table = tables.table(CUSTOM_RESOURCE_DEFINITIONS, [made], NOW, headers=headers, version=version)
    assert table["rows"][0]["cells"] == cells and len(headers) == len(cells)
