"""Documents in kwok's form: what is understood, what is refused, and a cluster that lives by them."""

from __future__ import annotations

import pytest

from kubepy.api.builtins import EVENTS, NODES, PODS
from kubepy.api.objects import condition
from kubepy.daemon import stage_sets
from kubepy.daemon.settings import ConfigError
from kubepy.kubelet import stage_documents
from kubepy.kubelet.stage_documents import NAMED, StageError, parse
from kubepy.kubelet.stages import Delete, Event, Finalizers, Patch
from kubepy.kubelet.turns import STEPS
from kubepy.lib import yaml
from kubepy.lib.random import Random
from kubepy.testing import Cluster


def document(spec: str, kind: str = "Pod") -> dict:
    return yaml.load(
        f"apiVersion: kwok.x-k8s.io/v1alpha1\nkind: Stage\nmetadata: {{name: x}}\nspec:\n"
        f"  resourceRef: {{apiGroup: v1, kind: {kind}}}\n{spec}"
    )


def test_next_becomes_actions_in_kwoks_order():
    stage = parse(
        document("""
  selector: {matchLabels: {app: web}, matchAnnotations: {a: b}}
  weight: 2
  next:
    event: {type: Normal, reason: Created, message: Created container}
    finalizers: {add: [{value: a}], remove: [{value: b}]}
    statusTemplate: "phase: Running"
    patches:
      - {root: metadata, type: json, template: '[{op: add, path: /labels, value: {}}]'}
      - {subresource: status, root: status, template: 'message: {{ .metadata.name | Quote }}'}
"""),
        "f",
    )
    view = {"metadata": {"name": "web-0", "labels": {"app": "web"}, "annotations": {"a": "b"}}, "facts": {}}
    assert stage is not None and stage.matches(view) and stage.weight == 2
    event, finalizers, status, operations, strategic = stage.actions
    assert event == Event("Normal", "Created", "Created container")
    assert finalizers == Finalizers(("a",), ("b",))
    assert isinstance(status, Patch) and (status.content_type, status.subresource) == (
        "application/merge-patch+json", "status",
    )  # fmt: skip
    assert status.render(view, {}) == {"status": {"phase": "Running"}}
    assert operations.render(view, {}) == [{"op": "add", "path": "/metadata/labels", "value": {}}]
    assert strategic.content_type == "application/strategic-merge-patch+json"
    assert strategic.render(view, {}) == {"status": {"message": "web-0"}}


def test_steps_are_actions_too():
    stage = parse(document("  selector: {}\n  steps:\n    - event: {reason: R}\n    - delete: true\n"), "f")
    assert stage is not None and stage.actions == (Event("Normal", "R", ""), Delete())


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("  nxt: {}\n", 'f: stage "x": spec.nxt is not understood; there is'),
        ("  next: {delete: true}\n", "without spec.selector it matches nothing"),
        ("  selector: {}\n", "spec.next says nothing"),
        ("  selector: {}\n  next: {status: fly}\n", "spec.next.status 'fly' is no step of a Pod; there is"),
        (
            "  selector: {}\n  next: {statusTemplate: '{{ fly }}'}\n",
            'template: function "fly" is not supported',
        ),
        ("  selector: {}\n  steps: [{create: {}}]\n", "spec.steps[0].create is not understood"),
        (
            "  selector: {}\n  steps: [{apply: {type: json, template: a}}]\n",
            "apply type 'json' is none of apply, ",
        ),
        (
            "  selector: {matchExpressions: [{cel: {expression: self.}}]}\n",
            "cannot read the expression 'self.'",
        ),
        (
            "  selector: {matchExpressions: [{key: .a, operator: Like}]}\n",
            "operator 'Like' is none of In, NotIn, Exists, DoesNotExist",
        ),
        ("  selector: {matchExpressions: [{key: a, operator: Exists}]}\n", "cannot read the path 'a'"),
    ],
)
def test_documents_that_cannot_be_used_are_named(spec, sentence):
    with pytest.raises(StageError) as raised:
        parse(document(spec), "f")
    assert sentence in str(raised.value)


def test_documents_that_are_no_stages_are_passed_over():
    assert parse({"kind": "Kustomization", "resources": ["a.yaml"]}, "f") is None
    with pytest.raises(StageError, match=r"spec\.resourceRef\.kind is missing"):
        parse(document("  selector: {}\n  next: {delete: true}\n", '""'), "f")


def test_expressions_choose_and_say_when_and_how_often():
    stage = parse(
        document("""
  selector:
    matchExpressions:
      - {cel: {expression: "!has(self.metadata.deletionTimestamp)"}}
      - {cel: {expression: "self.spec.size > 2"}}
  delay:
    durationMilliseconds: 7000
    durationFrom: {cel: {expression: "duration(self.spec.wait)"}}
    jitterDurationFrom: {cel: {expression: "self.spec.nanoseconds"}}
  weightFrom: {cel: {expression: "self.spec.size * 10"}}
  next: {delete: true}
""", "Widget"),
        "f",
    )  # fmt: skip
    assert stage is not None

    def widget(**spec):
        return {"metadata": {"name": "w"}, "spec": spec, "facts": {}}

    assert stage.matches(widget(size=3))
    assert not stage.matches(widget(size=2)) and not stage.matches(widget())
    assert not stage.matches(widget(size=3) | {"metadata": {"deletionTimestamp": "now"}})
    assert stage.weighs(widget(size=3)) == 30 and stage.weighs(widget()) == 0

    def delay(**spec):
        return stage.delay.seconds(widget(**spec), now=0.0, random=Random(1))

    assert (delay(wait="90s"), delay(), delay(wait="90s", nanoseconds=5_000_000_000)) == (90, 7, 5)


def test_a_patch_merges_as_its_kind_does_and_says_who_speaks():
    spec = """
  selector: {}
  next:
    statusTemplate: 'phase: Bound'
    statusPatchAs: {username: system:serviceaccount:default:bot}
    patches: [{template: 'spec: {}', impersonation: {username: jane}}]
"""
    of_pod, of_widget = (parse(document(spec, kind), "f") for kind in ("Pod", "Widget"))
    assert [action.user for action in of_widget.actions] == ["system:serviceaccount:default:bot", "jane"]
    assert of_pod.actions[1].content_type == "application/strategic-merge-patch+json"
    assert of_widget.actions[1].content_type == "application/merge-patch+json"


@pytest.mark.parametrize("name", stage_sets.SETS)
def test_the_shipped_sets_load(name):
    stages = stage_documents.load(stage_sets.paths_of([name]))
    assert all(not stage.step or stage.step in NAMED[stage.kind] for stage in stages)
    covered = {stage.step for stage in stages if stage.kind == "Pod"}
    assert covered >= STEPS - {"remove"}, "every step comes"
    assert any(isinstance(action, Delete) for stage in stages for action in stage.actions)


def test_a_word_that_is_neither_set_nor_path_is_refused(tmp_path):
    with pytest.raises(ConfigError, match='stages: "slow" is neither a set'):
        stage_sets.paths_of(["slow"])
    assert stage_sets.paths_of(["fast", str(tmp_path), "chaos"])[1] == tmp_path


def test_a_later_file_replaces_a_stage_of_the_same_name(tmp_path):
    file = tmp_path / "slow.yaml"
    file.write_text(
        "kind: Stage\nmetadata: {name: pod-start}\nspec:\n  resourceRef: {kind: Pod}\n  selector: {}\n"
        "  delay: {durationMilliseconds: 9000}\n  next: {status: start}\n"
    )
    loaded = {s.name: s for s in stage_documents.load([*stage_sets.paths_of(["fast"]), file])}
    assert loaded["pod-start"].delay.duration_s == 9


# A user's own life of pods, as people write it for kwok: everything from templates.
OWN = """
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: pod-ready}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
      - {key: .metadata.deletionTimestamp, operator: DoesNotExist}
      - {key: .status.phase, operator: In, values: [Pending]}
  delay:
    durationMilliseconds: 1000
    durationFrom: {expressionFrom: '.metadata.annotations["example.com/delay"]'}
  next:
    event: {type: Normal, reason: Created, message: Created container}
    statusTemplate: |
      {{ $now := Now }}
      conditions:
      {{ range $type := list "Initialized" "Ready" "ContainersReady" }}
      - {type: {{ $type }}, status: "True", lastTransitionTime: {{ $now | Quote }}}
      {{ end }}
      containerStatuses:
      {{ range .spec.containers }}
      - name: {{ .name | Quote }}
        image: {{ .image | Quote }}
        ready: true
        restartCount: 0
        state: {running: {startedAt: {{ $now | Quote }}}}
      {{ end }}
      {{ with PodIPsWith .spec.nodeName ( or .spec.hostNetwork false ) ( or .metadata.uid "" ) .metadata.name "" }}
      podIP: {{ index . 0 | Quote }}
      {{ end }}
      hostIP: {{ NodeIPWith .spec.nodeName | Quote }}
      phase: Running
      startTime: {{ $now | Quote }}
---
kind: Stage
metadata: {name: pod-delete}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions: [{key: .metadata.deletionTimestamp, operator: Exists}]
  next: {finalizers: {empty: true}, delete: true}
---
kind: Stage
metadata: {name: node-not-ready}
spec:
  resourceRef: {apiGroup: v1, kind: Node}
  selector:
    matchLabels: {broken: "true"}
    matchExpressions: [{key: .status.phase, operator: In, values: [Running]}]
  next:
    statusTemplate: |
      conditions:
      {{ range NodeConditions }}
      - type: {{ .type }}
        status: {{ if eq .type "Ready" }}"False"{{ else }}{{ .status | Quote }}{{ end }}
        reason: Test
      {{ end }}
  delay: {durationMilliseconds: 5000}
"""


async def test_a_cluster_lives_by_its_users_documents(tmp_path):
    (tmp_path / "own.yaml").write_text(OWN)
    controllers = ("serviceaccount-controller", "root-ca-certificate-publisher-controller")
    async with Cluster(nodes=1, scheduler="off", controllers=controllers, stages=(str(tmp_path),)) as cluster:
        await cluster.create({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "web", "namespace": "default", "annotations": {"example.com/delay": "20s"},
                         "finalizers": ["example.com/hold"]},
            "spec": {"nodeName": "node-1", "containers": [{"name": "main", "image": "nginx"}]},
        })  # fmt: skip
        await cluster.advance(19)
        assert (await cluster.get(PODS, "web"))["status"]["phase"] == "Pending"
        await cluster.advance(2)
        status = (await cluster.get(PODS, "web"))["status"]
        assert (status["phase"], status["hostIP"], status["podIP"][:7]) == ("Running", "10.0.0.1", "10.244.")
        assert "Created" in [event["reason"] for event in await cluster.list(EVENTS, "default")]
        await cluster.client.delete(PODS, "web", "default")
        await cluster.advance(1)
        assert await cluster.pods() == []

        await cluster.client.patch(NODES, "node-1", {"metadata": {"labels": {"broken": "true"}}})
        await cluster.advance(30)
        ready = condition(await cluster.client.get(NODES, "node-1"), "Ready")
        assert (ready["status"], ready["reason"]) == ("False", "Test")
        await cluster.client.patch(NODES, "node-1", {"metadata": {"labels": {"broken": None}}})
        await cluster.advance(2)
        assert condition(await cluster.client.get(NODES, "node-1"), "Ready")["status"] == "True"
