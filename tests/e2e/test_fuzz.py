"""Requests made up from the server's own OpenAPI documents: none may end in a 5xx or an exception in the log.

A case is half right: names that exist, fields that exist with values of their type, and then one or two things that
are wrong, for what is wrong in every respect is refused at the door. Hypothesis drives it; a failure prints the
request. FUZZ_EXAMPLES=100000 looks for longer, and elsewhere each time.
"""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Iterator
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubepy.api import protobuf
from kubepy.lib import yaml
from tests.bench import wire
from tests.e2e.conftest import Daemon

STATUS = "io.k8s.apimachinery.pkg.apis.meta.v1.Status"
DECODER = protobuf.Decoder()

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))

# Enough text and numbers to get past a parser, and to upset what comes after it.
TEXTS = (
    "a", "web-0", "", "A_b", "default", "kube-system", "node-1", "10.0.0.1", "::1", "1Gi", "100m", "-1", "1e400",
    "99999999999999999999",
    "2026-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59+14:00", "* * * * *", "http", "80",
    "25%", "TCP", "Always",
    "x" * 300, "ü\u0000", "\ud7ff", "a/b", "../..", "true", "null", "{", "kubernetes.io/x", "app=web", "$(A)",
    "10.0.0.0/33", "TZ=UTC 0 0 * * *",
)  # fmt: skip
NUMBERS = (0, 1, -1, 2, 80, 65536, 2**31, -(2**31) - 1, 2**63 - 1, 2**64, 1.5, 1e300, -0.0)
NAMESPACES = ("default", "default", "default", "kube-system", "web", "nope")
NAMES = (
    "web",
    "default",
    "kube-system",
    "node-1",
    "kubernetes",
    "fuzz",
    "nope",
    "A",
    "%2e%2e",
    "a%00",
    "x" * 300,
)
SELECTORS = (
    "a=b", "a in (b,c),!d", "a==b,", "metadata.name=web", "metadata.name!=web,metadata.namespace=default",
    "status.phase=Running", "=", "a in (",
    "spec.nodeName=node-1", "\\", "a=b=c", "ü=1", "type=Opaque", "involvedObject.name=web", "a>1", "a>x",
)  # fmt: skip
PARAMETERS = {
    "labelSelector": SELECTORS, "fieldSelector": SELECTORS, "limit": ("1", "0", "-1", "x", "9" * 30),
    "pretty": ("true", "x"),
    "continue": ("x", "e30", "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhIn0", ""),
    "resourceVersion": ("0", "1", "5", "-1", "x", "9" * 30),
    "resourceVersionMatch": ("Exact", "NotOlderThan", "x"), "timeoutSeconds": ("1", "-1", "x"),
    "dryRun": ("All", "x"),
    "fieldManager": ("m", "", "x" * 200, "ü\u0007"), "fieldValidation": ("Strict", "Warn", "Ignore", "x"),
    "force": ("true", "x"),
    "gracePeriodSeconds": ("0", "-5", "x", "9" * 25),
    "propagationPolicy": ("Orphan", "Foreground", "Background", "x"),
    "orphanDependents": ("true", "x"), "sendInitialEvents": ("true", "x"), "allowWatchBookmarks": ("true", "x"),
    "includeObject": ("Object", "None", "x"),
}  # fmt: skip
ACCEPTS = (
    "application/json", "*/*", "application/yaml", "application/json;as=Table;v=v1;g=meta.k8s.io", "text/html",
    ";;=", "application/json;q=x",
    "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
    "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
    "application/vnd.kubernetes.protobuf",
)  # fmt: skip
PATCHES = {
    "application/merge-patch+json": "merge", "application/strategic-merge-patch+json": "strategic",
    "application/json-patch+json": "json", "application/apply-patch+yaml": "apply",
}  # fmt: skip


class Api:
    """The operations of a server, and random cases of them."""

    def __init__(self, documents: list[dict[str, Any]]) -> None:
        self.schemas: dict[str, Any] = {}
        self.operations: list[tuple[str, str, dict[str, Any]]] = []
        for document in documents:
            self.schemas |= document.get("components", {}).get("schemas", {})
            for path, item in document["paths"].items():
                if "/watch/" in path or path.endswith("/proxy") or "/proxy/" in path:
                    continue
                for method in ("get", "put", "post", "delete", "patch"):
                    if method in item:
                        self.operations.append((method.upper(), path, item[method]))

    def case(self, random: Random) -> tuple[str, str, bytes | None, dict[str, str]]:
        """(method, target, body, headers)"""
        method, path, operation = random.choice(self.operations)
        given = {"namespace": random.choice(NAMESPACES if random.random() < 0.95 else NAMES)}
        given["name"] = random.choice(NAMES[:6] if random.random() < 0.9 else NAMES)
        for name, value in given.items():
            path = path.replace("{" + name + "}", value)
        query = [
            (name, random.choice(values)) for name, values in PARAMETERS.items() if random.random() < 0.06
        ]
        if method == "GET" and random.random() < 0.05:
            query.append(("watch", random.choice(("1", "true", "x"))))
        target = path + ("?" + urlencode(query) if query else "")
        headers = {"Accept": random.choice(ACCEPTS) if random.random() < 0.3 else "application/json"}
        body = None
        if method != "GET" and not (method == "DELETE" and random.random() < 0.5):
            body = self._body(random, method, operation, given["name"], headers)
        return method, target, body, headers

    def _body(
        self, random: Random, method: str, operation: dict[str, Any], name: str, headers: dict[str, str]
    ) -> bytes:
        kind = operation.get("x-kubernetes-group-version-kind") or {}
        head = {
            "apiVersion": "/".join(filter(None, (kind.get("group"), kind.get("version")))),
            "kind": kind.get("kind"),
        }
        schema = self._schema_of(operation, head)
        value = self.value(random, schema, 0)
        if isinstance(value, dict):
            value.update(head if random.random() < 0.95 else {"kind": random.choice(TEXTS)})
            metadata = value.setdefault("metadata", {})
            if isinstance(metadata, dict):
                if random.random() < 0.97:
                    metadata["name"] = name
                for drop in ("resourceVersion", "uid", "namespace", "managedFields"):
                    if random.random() < 0.9:
                        metadata.pop(drop, None)
        headers["Content-Type"] = "application/json"
        if method == "PATCH":
            headers["Content-Type"] = random.choice([*PATCHES, "application/json"])
            how = PATCHES.get(headers["Content-Type"])
            if how == "json":
                value = [_operation(random, value) for _ in range(random.randrange(4))]
            elif how == "strategic" and isinstance(value, dict):
                _directives(random, value)
        if random.random() < 0.05:
            headers["Content-Type"] = "application/yaml"
            return yaml.dump(value).encode(errors="replace")
        text = json.dumps(value)
        if random.random() < 0.04:  # broken on the way
            at = random.randrange(len(text))
            text = text[:at] + random.choice(('"', "{", "}", "\\u00", ",", "\x00", "1e999")) + text[at + 1 :]
        return text.encode()

    def _schema_of(self, operation: dict[str, Any], head: dict[str, Any]) -> dict[str, Any]:
        content = operation.get("requestBody", {}).get("content", {})
        schema = next((entry["schema"] for entry in content.values()), {})
        if schema.get("$ref", "").endswith("Patch"):
            for name, candidate in self.schemas.items():
                kinds = candidate.get("x-kubernetes-group-version-kind", ())
                group, _, version = head["apiVersion"].rpartition("/")
                if {"group": group, "version": version, "kind": head["kind"]} in kinds:
                    return {"$ref": "#/components/schemas/" + name}
        return schema

    def value(self, random: Random, schema: dict[str, Any], depth: int) -> Any:
        """Something the schema allows; or, now and then, does not."""
        if random.random() < 0.01:
            return random.choice((None, [], {}, "x", 1, [[]], {"": {}}, [None], True))
        if "allOf" in schema:
            schema = schema["allOf"][0]
        if "$ref" in schema:
            schema = self.schemas.get(schema["$ref"].rpartition("/")[2], {})
        kind = schema.get("type")
        if kind == "object" or "properties" in schema:
            return self._object(random, schema, depth)
        if kind == "array":
            count = 0 if depth > 9 else random.choice((0, 1, 1, 2))
            return [self.value(random, schema.get("items", {}), depth + 1) for _ in range(count)]
        if kind in ("integer", "number"):
            return random.choice(NUMBERS[:6] if random.random() < 0.8 else NUMBERS)
        if kind == "boolean":
            return random.random() < 0.5
        if "enum" in schema and random.random() < 0.8:
            return random.choice(schema["enum"])
        if "default" in schema and random.random() < 0.3:
            return schema["default"]
        return random.choice(TEXTS)

    def _object(self, random: Random, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        # Of wide objects few fields, or a pod would be megabytes.
        properties = schema.get("properties", {})
        share = 0.0 if depth > 9 else min(0.5, 3 / (len(properties) or 1))
        for name, child in properties.items():
            if (
                name in schema.get("required", ())
                or random.random() < share
                or (depth == 0 and name == "spec")
            ):
                found[name] = self.value(random, child, depth + 1)
        more = schema.get("additionalProperties")
        if isinstance(more, dict):
            found |= {
                random.choice(TEXTS): self.value(random, more, depth + 1) for _ in range(random.randrange(3))
            }
        if random.random() < 0.01:
            found["unknown"] = random.choice(TEXTS)
        return found


def _operation(random: Random, value: Any) -> Any:
    path = ""
    while isinstance(value, (dict, list)) and value and random.random() < 0.8:
        step = random.choice(list(value)) if isinstance(value, dict) else random.randrange(len(value))
        value = value[step]
        path += "/" + str(step).replace("~", "~0").replace("/", "~1")
    path += random.choice(("", "", "", "/-", "/0", "/x", "/01", "~"))
    made = {
        "op": random.choice(("add", "remove", "replace", "test", "move", "copy", "x")),
        "path": path,
        "value": value,
    }
    if random.random() < 0.3:
        made["from"] = random.choice(("/metadata/labels", "/spec", "", "x", "/metadata/name"))
    if random.random() < 0.05:
        made.pop(random.choice(list(made)))
    return made if random.random() > 0.01 else random.choice((None, 1, []))


def _directives(random: Random, value: Any) -> None:
    """Some of strategic merge's, not always where they make sense."""
    if isinstance(value, list):
        for item in value:
            _directives(random, item)
    if not isinstance(value, dict):
        return
    for name in list(value):
        _directives(random, value[name])
        if random.random() < 0.05:
            value[f"$setElementOrder/{name}"] = random.choice(([], [{"name": "a"}], ["a"], 1, None))
        if random.random() < 0.03:
            value[f"$deleteFromPrimitiveList/{name}"] = random.choice((["a"], [], 1, [{}]))
    if random.random() < 0.03:
        value["$patch"] = random.choice(("delete", "replace", "merge", "x", 1))
    if random.random() < 0.03:
        value["$retainKeys"] = random.choice(([*value], ["a"], 1, [1]))


class Wire:
    """One connection that comes back."""

    def __init__(self, daemon: Daemon) -> None:
        self._target = wire.of_kubeconfig(daemon.kubeconfig.read_text())
        self._connection: http.client.HTTPSConnection | None = None

    def send(
        self, method: str, target: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        connection = self._connection or http.client.HTTPSConnection(
            self._target.host, self._target.port, context=self._target.tls, timeout=30
        )
        self._connection = connection
        connection.request(method, quote(target, safe="/?&=%:+,;"), body, headers)
        response = connection.getresponse()
        if "watch=" in target and response.status == 200:
            self.close()
            return 200, b""
        answer = response.read()
        if response.will_close:
            self.close()
        return response.status, answer

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One of its own, that says only what it cannot explain."""
    daemon = Daemon(tmp_path_factory.mktemp("cluster"), "--log-level", "error")
    daemon.start()
    yield daemon
    assert daemon.stop() == 0, daemon.errors
    assert "Traceback" not in daemon.output + daemon.errors


@pytest.fixture(scope="module")
def door(cluster: Daemon) -> Iterator[Wire]:
    made = Wire(cluster)
    yield made
    made.close()


@pytest.fixture(scope="module")
def api(door: Wire) -> Api:
    index = json.loads(door.send("GET", "/openapi/v3", None, {})[1])
    urls = [entry["serverRelativeURL"] for entry in index["paths"].values()]
    made = Api([json.loads(door.send("GET", url, None, {})[1]) for url in urls])
    assert len(made.operations) > 500
    return made


def status_of(answer: bytes) -> dict[str, Any]:
    """A Status in any of the forms that may have been asked for."""
    if answer.startswith(protobuf.PREFIX):
        said = protobuf.Unknown(answer)
        return DECODER.decode(STATUS, said.raw) | {"kind": said.kind}
    return json.loads(answer) if answer.startswith(b"{") else yaml.load(answer)


@pytest.mark.timeout(0 if EXAMPLES else 120)
@settings(
    max_examples=EXAMPLES or 8000,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(random=st.randoms(use_true_random=True))
def test_no_request_is_the_servers_fault(cluster: Daemon, api: Api, door: Wire, random: Random) -> None:
    method, target, body, headers = api.case(random)
    status, answer = door.send(method, target, body, headers)
    shown = f"{method} {target} {headers} {body!r} -> {status} {answer[:2000]!r}"
    if status >= 400:
        refusal = status_of(answer)
        assert (refusal["kind"], refusal["code"], refusal["status"]) == ("Status", status, "Failure"), shown
        # Where upstream's registry or merges return a plain error it answers 500 without a reason, and so do we.
        is_upstreams = status == 500 and not refusal.get("reason")
        assert status < 500 or status == 504 or is_upstreams, shown
