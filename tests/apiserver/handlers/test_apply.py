"""Server-side apply and managedFields through the verbs: who owns what after which write, and what is refused how."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubepy.api.errors import Conflict, Forbidden
from kubepy.lib.clock import VirtualClock
from kubepy.store.memory import MemoryStore
from tests.apiserver.conftest import Api

YAML = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
MAPS = "/api/v1/namespaces/default/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
AUTOSCALERS = "namespaces/default/horizontalpodautoscalers"


def config_map(data: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    found = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", **metadata}}
    return found if data is None else found | {"data": data}


def deployment(image: str = "nginx:1", **spec: Any) -> dict[str, Any]:
    template = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": image, "ports": [{"containerPort": 80}]}]},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template, **spec},
    }


async def apply(api: Api, target: str, config: Any, manager: str = "alice", query: str = "") -> Any:
    return await api.ok("PATCH", f"{target}?fieldManager={manager}{query}", config, content_type=YAML)


def owners(obj: dict[str, Any]) -> dict[str, Any]:
    """manager:operation[:subresource] -> fields."""
    found = {}
    for entry in obj["metadata"].get("managedFields", ()):
        words = (entry["manager"], entry["operation"], entry.get("subresource", ""))
        found[":".join(filter(None, words))] = entry["fieldsV1"]
    return found


DATA_A, DATA_B = {"f:data": {"f:a": {}}}, {"f:data": {"f:b": {}}}


async def test_what_is_applied_is_made_and_owned(api: Api, clock: VirtualClock) -> None:
    request = api.request("PATCH", f"{MAPS}/x?fieldManager=alice", config_map({"a": "1"}), content_type=YAML)
    response = await api.handler(request)
    assert response.status == 201
    made = orjson.loads(response.body or b"")
    assert made["metadata"]["managedFields"] == [
        {
            "manager": "alice",
            "operation": "Apply",
            "apiVersion": "v1",
            "time": clock.rfc3339(),
            "fieldsType": "FieldsV1",
            "fieldsV1": DATA_A,
        }
    ]
    await clock.advance(10)
    again = await apply(api, f"{MAPS}/x", config_map({"a": "1"}))
    assert again == made, "applied again, nothing is written"


async def test_what_is_said_no_more_goes_unless_somebody_else_says_it(api: Api) -> None:
    await apply(api, f"{MAPS}/x", config_map({"a": "1", "b": "1", "c": "1"}))
    await apply(api, f"{MAPS}/x", config_map({"b": "1"}), "bob")
    await api.ok("PATCH", f"{MAPS}/x", {"data": {"d": "1"}}, content_type=MERGE, user_agent="carol/1.0 (x)")
    found = await apply(api, f"{MAPS}/x", config_map({"a": "1"}))
    assert found["data"] == {"a": "1", "b": "1", "d": "1"}
    assert owners(found) == {
        "alice:Apply": DATA_A,
        "bob:Apply": DATA_B,
        "carol:Update": {"f:data": {"f:d": {}}},
    }


@pytest.mark.parametrize(
    "user_agent, manager",
    [
        ("kubectl/v1.37.0 (linux/amd64)", "kubectl"),
        ("tab\tbed/1", "tabbed"),
        ("caf\udce9/1", "caf\ufffd"),  # a byte that is no UTF-8
        ("a" * 130, "a" * 128),
    ],
)
async def test_a_client_without_a_field_manager_is_known_by_its_user_agent(
    api: Api, user_agent: str, manager: str
) -> None:
    made = await api.ok("POST", MAPS, config_map({"a": "1"}), user_agent=user_agent)
    assert list(owners(made)) == [f"{manager}:Update"]


async def test_what_others_own_is_taken_by_force_only(api: Api) -> None:
    await api.ok("POST", f"{MAPS}?fieldManager=kubectl-create", config_map({"a": "1", "b": "1"}))
    error = await api.error(
        "PATCH", f"{MAPS}/x?fieldManager=alice", config_map({"a": "2"}), content_type=YAML
    )
    assert isinstance(error, Conflict) and error.code == 409
    assert error.message == ('Apply failed with 1 conflict: conflict with "kubectl-create" using v1: .data.a')
    assert error.details == {
        "causes": [
            {
                "reason": "FieldManagerConflict",
                "message": 'conflict with "kubectl-create" using v1',
                "field": ".data.a",
            }
        ]
    }
    found = await apply(api, f"{MAPS}/x", config_map({"a": "2"}), query="&force=true")
    assert found["data"] == {"a": "2", "b": "1"}
    assert owners(found) == {
        "alice:Apply": DATA_A,
        "kubectl-create:Update": {"f:data": {".": {}, "f:b": {}}},
    }


async def test_the_same_value_is_shared_and_then_changed_by_nobody_alone(api: Api) -> None:
    await apply(api, f"{MAPS}/x", config_map({"a": "1"}))
    shared = await apply(api, f"{MAPS}/x", config_map({"a": "1"}), "bob")
    assert owners(shared) == {"alice:Apply": DATA_A, "bob:Apply": DATA_A}
    error = await api.error("PATCH", f"{MAPS}/x?fieldManager=bob", config_map({"a": "2"}), content_type=YAML)
    assert error.message.endswith('conflict with "alice": .data.a')
    given_up = await apply(api, f"{MAPS}/x", config_map(), "bob")
    assert given_up["data"] == {"a": "1"} and owners(given_up) == {"alice:Apply": DATA_A}


async def test_defaults_belong_to_nobody_and_lists_merge_by_their_keys(api: Api) -> None:
    made = await apply(api, f"{DEPLOYMENTS}/web", deployment(replicas=2))
    container = owners(made)["alice:Apply"]["f:spec"]["f:template"]["f:spec"]["f:containers"]
    assert container == {
        'k:{"name":"web"}': {
            ".": {},
            "f:image": {},
            "f:name": {},
            "f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}},
        }
    }
    assert made["spec"]["template"]["spec"]["containers"][0]["ports"] == [
        {"containerPort": 80, "protocol": "TCP"}
    ]
    sidecar = {"name": "log", "image": "fluentd"}
    config = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"template": {"spec": {"containers": [sidecar]}}},
    }
    both = await apply(api, f"{DEPLOYMENTS}/web", config, "sidecars")
    assert [c["name"] for c in both["spec"]["template"]["spec"]["containers"]] == ["web", "log"]
    del config["spec"]
    gone = await apply(api, f"{DEPLOYMENTS}/web", config, "sidecars")
    assert [c["name"] for c in gone["spec"]["template"]["spec"]["containers"]] == ["web"]
    assert "sidecars:Apply" not in owners(gone)


async def test_every_write_is_tracked_with_its_subresource_and_time(api: Api, clock: VirtualClock) -> None:
    await api.ok("POST", DEPLOYMENTS, deployment(), user_agent="kubectl/v1.37.0 (linux/amd64)")
    made = await api.ok("GET", f"{DEPLOYMENTS}/web")
    created = clock.rfc3339()
    fields = owners(made)["kubectl:Update"]["f:spec"]
    assert {"f:replicas", "f:selector", "f:strategy", "f:template"} <= fields.keys()
    assert fields["f:selector"] == {}, "a selector is one value"
    await clock.advance(60)
    status = {"status": {"observedGeneration": 1}}
    await api.ok("PATCH", f"{DEPLOYMENTS}/web/status?fieldManager=controller", status, content_type=MERGE)
    found = await api.ok("PATCH", f"{DEPLOYMENTS}/web?fieldManager=x", status, content_type=MERGE)
    assert "x:Update" not in owners(found), "the status is not set through this door"
    assert owners(found)["controller:Update:status"] == {"f:status": {"f:observedGeneration": {}}}
    times = {entry["manager"]: entry["time"] for entry in found["metadata"]["managedFields"]}
    assert times == {"kubectl": created, "controller": clock.rfc3339()}


async def test_times_that_nobody_said_are_null_and_owned(api: Api) -> None:
    """A time that is no pointer is always written; so it is seen, and tracked."""
    await api.ok("POST", "/api/v1/nodes", {"metadata": {"name": "n", "labels": {"a": "b"}}})
    status = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    for content_type, query in ((MERGE, "fieldManager=k"), (YAML, "fieldManager=k&force=true")):
        head = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}}
        made = await api.ok(
            "PATCH", f"/api/v1/nodes/n/status?{query}", head | status, content_type=content_type
        )
        (condition,) = made["status"]["conditions"]
        assert condition["lastHeartbeatTime"] is condition["lastTransitionTime"] is None
    fields = owners(made)["k:Update:status"]["f:status"]["f:conditions"]['k:{"type":"Ready"}']
    assert fields.keys() >= {"f:lastHeartbeatTime", "f:lastTransitionTime"}


async def test_who_makes_a_daemon_set_owns_the_count_of_its_templates(api: Api) -> None:
    made = await api.ok("POST", DEPLOYMENTS.replace("deployments", "daemonsets"), {
        **deployment(), "kind": "DaemonSet", "spec": {**deployment()["spec"]},
    })  # fmt: skip
    annotation = "deprecated.daemonset.template.generation"
    assert made["metadata"]["annotations"] == {annotation: "1"}
    (fields,) = owners(made).values()
    assert fields["f:metadata"] == {"f:annotations": {".": {}, f"f:{annotation}": {}}}


async def test_who_scales_owns_the_replicas(api: Api) -> None:
    await apply(api, f"{DEPLOYMENTS}/web", deployment(replicas=2))
    scale = await api.ok(
        "PATCH", f"{DEPLOYMENTS}/web/scale?fieldManager=scaler", {"spec": {"replicas": 5}}, content_type=MERGE
    )
    assert scale["spec"]["replicas"] == 5
    found = await api.ok("GET", f"{DEPLOYMENTS}/web")
    assert found["metadata"]["managedFields"][-1] == {
        "manager": "scaler",
        "operation": "Update",
        "apiVersion": "apps/v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:replicas": {}}},
        "subresource": "scale",
    }
    assert "f:replicas" not in owners(found)["alice:Apply"]["f:spec"]
    error = await api.error(
        "PATCH", f"{DEPLOYMENTS}/web?fieldManager=alice", deployment(replicas=2), content_type=YAML
    )
    assert error.message == (
        'Apply failed with 1 conflict: conflict with "scaler" with subresource "scale" using apps/v1: .spec.replicas'
    )
    body = {
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"replicas": 3},
    }
    applied = await apply(api, f"{DEPLOYMENTS}/web/scale", body, "hpa", "&force=true")
    assert applied["spec"]["replicas"] == 3
    found = await api.ok("GET", f"{DEPLOYMENTS}/web")
    assert owners(found)["hpa:Apply:scale"] == {"f:spec": {"f:replicas": {}}}
    assert "scaler:Update:scale" not in owners(found)


@pytest.mark.parametrize("given_", [[], [{}]])
async def test_managed_fields_can_be_forgotten(api: Api, given_: list[Any]) -> None:
    made = await api.ok("POST", f"{MAPS}?fieldManager=m", config_map({"a": "1"}))
    made["metadata"]["managedFields"] = given_
    found = await api.ok("PUT", f"{MAPS}/x?fieldManager=m", made)
    assert "managedFields" not in found["metadata"]
    # Nothing is tracked until somebody applies; then what was there has an owner.
    found = await api.ok("PATCH", f"{MAPS}/x?fieldManager=m", {"data": {"b": "1"}}, content_type=MERGE)
    assert "managedFields" not in found["metadata"]
    found = await apply(api, f"{MAPS}/x", config_map({"b": "1"}))
    assert owners(found) == {
        "alice:Apply": DATA_B,
        "before-first-apply:Update": {"f:data": {".": {}, "f:a": {}, "f:b": {}}},
    }


async def test_clients_may_correct_entries_and_cannot_break_them(api: Api) -> None:
    made = await api.ok("POST", f"{MAPS}?fieldManager=m", config_map({"a": "1"}))
    entry = made["metadata"]["managedFields"][0]
    without = {name: value for name, value in made["metadata"].items() if name != "managedFields"}
    found = await api.ok("PUT", f"{MAPS}/x?fieldManager=m", made | {"metadata": without})
    assert found == made, "leaving them out changes nothing"
    corrected = made["metadata"] | {"managedFields": [entry | {"manager": "n"}]}
    found = await api.ok("PUT", f"{MAPS}/x?fieldManager=m", made | {"metadata": corrected})
    assert list(owners(found)) == ["n:Update"]
    broken = found["metadata"] | {"managedFields": [entry | {"operation": "Guess"}]}
    again = await api.ok("PUT", f"{MAPS}/x?fieldManager=m", found | {"metadata": broken})
    assert again == found


LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


async def test_kubectl_takes_over_from_client_side_apply(api: Api) -> None:
    last = orjson.dumps(config_map({"a": "1", "b": "1"}, namespace="default")).decode() + "\n"
    annotated = config_map({"a": "1", "b": "1"}, annotations={LAST_APPLIED: last})
    await api.ok("POST", f"{MAPS}?fieldManager=kubectl-client-side-apply", annotated)
    config = config_map({"a": "2", "b": "1"}, namespace="default")
    error = await api.error("PATCH", f"{MAPS}/x?fieldManager=other", config, content_type=YAML)
    assert isinstance(error, Conflict)
    found = await apply(api, f"{MAPS}/x", config, "kubectl")
    assert found["data"] == {"a": "2", "b": "1"}
    assert orjson.loads(found["metadata"]["annotations"][LAST_APPLIED]) == config
    # What somebody changed since client-side apply is still theirs.
    await api.ok("PATCH", f"{MAPS}/x?fieldManager=m", {"data": {"a": "3"}}, content_type=MERGE)
    error = await api.error("PATCH", f"{MAPS}/x?fieldManager=kubectl", config, content_type=YAML)
    assert error.message == 'Apply failed with 1 conflict: conflict with "m" using v1: .data.a'


async def test_owners_in_another_version(api: Api) -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    config = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "h"},
        "spec": {"scaleTargetRef": target, "maxReplicas": 5},
    }
    await apply(api, f"/apis/autoscaling/v2/{AUTOSCALERS}/h", config)
    found = await api.ok(
        "PATCH",
        f"/apis/autoscaling/v1/{AUTOSCALERS}/h?fieldManager=old",
        {"spec": {"maxReplicas": 9}},
        content_type=MERGE,
    )
    assert owners(found) == {
        "alice:Apply": {"f:spec": {"f:scaleTargetRef": {"f:apiVersion": {}, "f:kind": {}, "f:name": {}}}},
        "old:Update": {"f:spec": {"f:maxReplicas": {}}},
    }
    versions = {entry["manager"]: entry["apiVersion"] for entry in found["metadata"]["managedFields"]}
    assert versions == {"alice": "autoscaling/v2", "old": "autoscaling/v1"}
    error = await api.error(
        "PATCH", f"/apis/autoscaling/v2/{AUTOSCALERS}/h?fieldManager=alice", config, content_type=YAML
    )
    assert (
        error.message
        == 'Apply failed with 1 conflict: conflict with "old" using autoscaling/v1: .spec.maxReplicas'
    )


async def test_a_dry_run_says_what_would_be(api: Api) -> None:
    made = await apply(api, f"{MAPS}/x", config_map({"a": "1"}), query="&dryRun=All")
    assert owners(made) == {"alice:Apply": DATA_A}
    assert (await api.error("GET", f"{MAPS}/x")).code == 404
    await apply(api, f"{MAPS}/x", config_map({"a": "1"}))
    would = await apply(api, f"{MAPS}/x", config_map({"b": "1"}), query="&dryRun=All")
    assert would["data"] == {"b": "1"} and owners(would) == {"alice:Apply": DATA_B}
    assert (await api.ok("GET", f"{MAPS}/x"))["data"] == {"a": "1"}


TYPED = "failed to create typed patch object (default/x; /v1, Kind=ConfigMap): "


@pytest.mark.parametrize(
    ("config", "query", "code", "message"),
    [
        (
            config_map(),
            "",
            422,
            'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
        ),
        (config_map() | {"kind": "Secret"}, "m", 400, "invalid object type: /v1, Kind=Secret"),
        (config_map() | {"apiVersion": "apps/v1"}, "m", 400, "invalid object type: apps/v1, Kind=ConfigMap"),
        (config_map(managedFields=[]), "m", 400, "metadata.managedFields must be nil"),
        (
            config_map(namespace="default") | {"datum": {}},
            "m",
            500,
            f"{TYPED}.datum: field not declared in schema",
        ),
        (
            config_map({"a": 1}, namespace="default"),
            "m",
            500,
            f"{TYPED}.data.a: expected string, got &value.valueUnstructured{{Value:1}}",
        ),
        (
            config_map({"a": 1}, namespace="default", labels=[]),
            "m",
            500,
            f"{TYPED}errors:\n  .metadata.labels: expected map, got &{{[]}}\n"
            "  .data.a: expected string, got &value.valueUnstructured{Value:1}",
        ),
        (
            config_map() | {"metadata": {"name": "y"}},
            "m",
            400,
            "the name of the object (y) does not match the name on the URL (x)",
        ),
        (
            config_map(namespace="other"),
            "m",
            400,
            "the namespace of the provided object does not match the namespace sent on the request",
        ),
        (
            config_map(uid="u-1"),
            "m",
            409,
            'Operation cannot be fulfilled on configmaps "x": uid mismatch: the provided object specified uid u-1, '
            "and no existing object was found",
        ),
        (
            b"[]",
            "m",
            400,
            "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go "
            "value of type map[string]interface {}",
        ),
        (
            b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n  name: x\n",
            "m&fieldValidation=Strict",
            400,
            "error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n"
            '  line 5: key "name" already set in map',
        ),
    ],
)
async def test_what_is_refused(api: Api, config: Any, query: str, code: int, message: str) -> None:
    query = f"?fieldManager={query}" if query else ""
    error = await api.error("PATCH", f"{MAPS}/x{query}", config, content_type=YAML)
    assert (error.code, error.message) == (code, message)


async def test_what_cannot_be_typed(api: Api) -> None:
    """Found by fuzzing. Neither the metadata that is none, nor an item without its key is anybody's exception."""
    error = await api.error(
        "PATCH", f"{MAPS}/x?fieldManager=m", config_map() | {"metadata": True}, content_type=YAML
    )
    assert error.message == (
        "failed to create typed patch object (/; /v1, Kind=ConfigMap): .metadata: expected map, got &{true}"
    )
    accounts = "/api/v1/namespaces/default/serviceaccounts"
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "x"}}
    made = await api.ok("POST", accounts, account | {"secrets": [{}]})
    assert "managedFields" not in made["metadata"]
    error = await api.error("PATCH", f"{accounts}/x?fieldManager=m", account, content_type=YAML)
    assert (error.code, error.message) == (
        500,
        "failed to create manager for existing fields: failed to convert new object (default/x; /v1, "
        "Kind=ServiceAccount) to smd typed: .secrets: element 0: associative list with keys has an element that omits "
        'all key fields ["name"] (and doesn\'t have default values for any key fields)',
    )


async def test_yaml_is_read_and_repeated_keys_are_told(api: Api) -> None:
    body = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n  a: '1'\n  a: '2'\n"
    found = await apply(api, f"{MAPS}/x", body)
    assert found["data"] == {"a": "2"}
    assert api.warnings == ['line 6: key "a" already set in map']
    again = body + b"  b: '1'\n  b: '1'\n---\nanother: document\n"
    error = await api.error(
        "PATCH", f"{MAPS}/x?fieldManager=alice&fieldValidation=Strict", again, content_type=YAML
    )
    assert error.message == (
        "error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n"
        '  line 6: key "a" already set in map\n  line 8: key "b" already set in map'
    )


@pytest.mark.parametrize(
    "changed, code, message",
    [
        ({"apiVersion": 1}, 400, "invalid object type: /, Kind=ConfigMap"),
        ({"kind": 5}, 400, "invalid object type: /v1, Kind="),
        (
            {"metadata": {"name": 1}},
            500,
            "failed to create typed patch object (/; /v1, Kind=ConfigMap): .metadata.name: expected string, got "
            "&value.valueUnstructured{Value:1}",
        ),
        (
            {"binaryData": {"a": "#"}},
            500,
            "failed to convert new object (/x; /v1, Kind=ConfigMap) to proper version: unable to convert unstructured "
            "object to /v1, Kind=ConfigMap: error decoding from json: illegal base64 data at input byte 0",
        ),
        (
            {"metadata": {"name": "x", "resourceVersion": "abc"}},
            500,
            'strconv.ParseUint: parsing "abc": invalid syntax',
        ),
    ],
)
@pytest.mark.parametrize("exists", [False, True])
async def test_what_is_no_configuration(
    api: Api, changed: dict[str, Any], code: int, message: str, exists: bool
) -> None:
    if exists:
        await apply(api, f"{MAPS}/x", config_map({"a": "1"}))
    body = config_map({"a": "2"}) | changed
    error = await api.error("PATCH", f"{MAPS}/x?fieldManager=alice", body, content_type=YAML)
    assert (error.code, error.message) == (code, message)


async def test_a_dry_run_that_would_create_shows_the_revision_it_was_given(api: Api) -> None:
    body = config_map({"a": "1"}, resourceVersion="7")
    shown = await apply(api, f"{MAPS}/x", body, query="&dryRun=All")
    assert shown["metadata"]["resourceVersion"] == "7"


async def test_preconditions_of_an_apply(api: Api) -> None:
    made = await apply(api, f"{MAPS}/x", config_map({"a": "1"}))
    right = {name: made["metadata"][name] for name in ("uid", "resourceVersion")}
    await apply(api, f"{MAPS}/x", config_map({"a": "2"}, **right))
    stale = await api.error(
        "PATCH", f"{MAPS}/x?fieldManager=alice", config_map({"a": "3"}, **right), content_type=YAML
    )
    assert isinstance(stale, Conflict) and "the object has been modified" in stale.message
    wrong = await api.error(
        "PATCH", f"{MAPS}/x?fieldManager=alice", config_map({"a": "3"}, uid="u"), content_type=YAML
    )
    assert wrong.code == 422 and 'metadata.uid: Invalid value: "u": field is immutable' in wrong.message


async def test_a_type_that_only_the_kind_knows(api: Api) -> None:
    error = await api.error(
        "PATCH",
        f"{DEPLOYMENTS}/web?fieldManager=m",
        deployment(replicas=2**40),
        content_type=YAML,
    )
    assert error.code == 500
    assert error.message.startswith(
        "failed to convert new object (/web; apps/v1, Kind=Deployment) to proper version: "
    )


async def test_ten_updaters_are_enough(api: Api, clock: VirtualClock) -> None:
    await api.ok("POST", f"{MAPS}?fieldManager=m00", config_map({"a00": "1"}))
    for number in range(1, 14):
        await clock.advance(1)
        found = await api.ok(
            "PATCH",
            f"{MAPS}/x?fieldManager=m{number:02}",
            {"data": {f"a{number:02}": "1"}},
            content_type=MERGE,
        )
    names = [entry["manager"] for entry in found["metadata"]["managedFields"]]
    assert names == ["ancient-changes", *(f"m{number:02}" for number in range(5, 14))]
    assert owners(found)["ancient-changes:Update"]["f:data"].keys() >= {"f:a00", "f:a04"}


# -- against a model -------------------------------------------------------------------------------------------

KEYS = st.sampled_from("abcd")
DATA = st.dictionaries(KEYS, st.sampled_from("12"), max_size=3)
STEPS = st.lists(
    st.tuples(st.sampled_from(["apply", "force", "update"]), st.sampled_from(["p", "q", "r"]), DATA),
    min_size=1,
    max_size=12,
)


class Model:
    """A ConfigMap's data and the appliers and updaters of each key."""

    def __init__(self) -> None:
        self.data: dict[str, str] = {}
        self.owned: dict[tuple[str, str], set[str]] = {}

    def conflicts(self, who: tuple[str, str], data: dict[str, str]) -> bool:
        changed = {key for key, value in data.items() if self.data.get(key) != value}
        return any(changed & keys for other, keys in self.owned.items() if other != who)

    def apply(self, who: tuple[str, str], data: dict[str, str]) -> None:
        said = self.owned.pop(who, set())
        self._lose({key for key, value in data.items() if self.data.get(key) != value})
        self.data |= data
        others = set().union(*self.owned.values()) if self.owned else set()
        for key in said - data.keys() - others:
            self.data.pop(key, None)
        if data:
            self.owned[who] = set(data)

    def update(self, who: tuple[str, str], data: dict[str, str]) -> None:
        changed = {key for key, value in data.items() if self.data.get(key) != value}
        self._lose(changed | (self.data.keys() - data.keys()))
        self.data = dict(data)
        if changed:
            self.owned[who] = self.owned.get(who, set()) | changed

    def _lose(self, keys: set[str]) -> None:
        for owner in list(self.owned):
            self.owned[owner] -= keys
            if not self.owned[owner]:
                del self.owned[owner]


@given(STEPS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_ownership_is_that_of_a_model(steps: list[tuple[str, str, dict[str, str]]]) -> None:
    api, model = Api(VirtualClock(), MemoryStore()), Model()
    await api.namespace("default")
    await apply(api, f"{MAPS}/x", config_map({"seed": "1"}), "seed")
    model.apply(("seed", "Apply"), {"seed": "1"})
    for step, manager, data in steps:
        who = (manager, "Update" if step == "update" else "Apply")
        if step == "update":
            await api.ok("PUT", f"{MAPS}/x?fieldManager={manager}", config_map(data | {"seed": "1"}))
            model.update(who, data | {"seed": "1"})
        elif step == "apply" and model.conflicts(who, data):
            before = await api.ok("GET", f"{MAPS}/x")
            error = await api.error(
                "PATCH", f"{MAPS}/x?fieldManager={manager}", config_map(data), content_type=YAML
            )
            assert isinstance(error, Conflict)
            assert await api.ok("GET", f"{MAPS}/x") == before
            continue
        else:
            query = "&force=true" if step == "force" else ""
            found = await apply(api, f"{MAPS}/x", config_map(data), manager, query)
            model.apply(who, data)
            assert await apply(api, f"{MAPS}/x", config_map(data), manager) == found, "again is a no-op"
        found = await api.ok("GET", f"{MAPS}/x")
        assert found["data"] == model.data
        keys = {
            (entry["manager"], entry["operation"]): {
                element[2:] for element in entry["fieldsV1"].get("f:data", {}) if element != "."
            }
            for entry in found["metadata"]["managedFields"]
        }
        assert {who: owned for who, owned in keys.items() if owned} == model.owned
    await api.registry.close()


@pytest.mark.parametrize(
    ("method", "target", "content_type"),
    [
        ("PATCH", f"{MAPS}/x?fieldManager=alice", YAML),
        ("PUT", "/apis/coordination.k8s.io/v1/namespaces/default/leases/x", "application/json"),
    ],
)
async def test_who_may_change_may_not_therefore_create(api: Api, method, target, content_type) -> None:
    """Source: test/integration/apiserver/apply/apply_test.go TestApplyCreateOnUpdate, update.go withAuthorization."""
    asked: list[Any] = []

    async def may(request: Any, info: Any) -> None:
        asked.append((info.verb, info.name))
        raise Forbidden("no")

    body = config_map({"a": "1"})
    if method == "PUT":
        body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "x"}}
    request = api.request(method, target, body, content_type=content_type)
    request.may = may
    with pytest.raises(Forbidden):
        await api.handler(request)
    assert asked == [("create", "x")]
    # What is there is nobody's creation.
    made = await api.ok(method, target, body, content_type=content_type)
    body = made if method == "PUT" else body
    request = api.request(method, target, body, content_type=content_type)
    request.may = may
    await api.handler(request)
    assert asked == [("create", "x")]


async def test_owners_named_twice_are_told_of_once_by_a_patch(api: Api) -> None:
    await api.ok("POST", MAPS, config_map({"a": "1"}))
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"}
    request = api.request(
        "PATCH", f"{MAPS}/x", {"metadata": {"ownerReferences": [owner, owner]}}, content_type=MERGE
    )
    await api.handler(request)
    assert request.warnings == [
        ".metadata.ownerReferences contains duplicate entries after mutating admission happens; API server dedups "
        "owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; "
        "duplicate UID(s) observed: u"
    ]
