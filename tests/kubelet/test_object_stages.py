"""Stages of other kinds: volumes that nobody has to provide, custom resources that become ready."""

from __future__ import annotations

import pytest

from kubepy.api.builtins import CONFIG_MAPS, EVENTS, PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource
from kubepy.testing import Cluster
from kubepy.testing.builders import make_custom_kind, make_pod

QUIET = ("serviceaccount-controller", "root-ca-certificate-publisher-controller")

CLAIMS = """
kind: Stage
metadata: {name: claim-provision}
spec:
  resourceRef: {apiGroup: v1, kind: PersistentVolumeClaim}
  selector:
    matchExpressions:
      - cel: {expression: "self.spec.storageClassName == 'theirs'"}
      - cel: {expression: "!has(self.spec.volumeName)"}
  delay: {durationMilliseconds: 3000}
  steps:
    - event: {type: Normal, reason: Provisioning, message: on its way}
    - apply:
        template: |
          apiVersion: v1
          kind: PersistentVolume
          metadata: {name: pv-{{ .metadata.name }}}
          spec:
            accessModes:
            {{ YAML .spec.accessModes 2 }}
            capacity:
            {{ YAML .spec.resources.requests 2 }}
            storageClassName: {{ .spec.storageClassName | Quote }}
            hostPath: {path: /tmp}
    - patch: {root: spec, template: 'volumeName: pv-{{ .metadata.name }}'}
    - patch: {root: status, subresource: status, template: 'phase: Bound'}
---
kind: Stage
metadata: {name: claim-note}
spec:
  resourceRef: {apiGroup: v1, kind: PersistentVolumeClaim}
  selector:
    matchExpressions:
      - cel: {expression: "self.status.phase == 'Bound'"}
      - {key: '.metadata.annotations["noted"]', operator: DoesNotExist}
  steps:
    - apply:
        type: merge
        template: |
          apiVersion: v1
          kind: ConfigMap
          metadata: {name: notes}
          data: {{"{"}}{{ .metadata.name }}: {{ Now | Quote }}{{"}"}}
    - patch: {root: metadata, template: 'annotations: {noted: "yes"}'}
"""


def claim(name: str) -> Obj:
    return {
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}},
                 "storageClassName": "theirs"},
    }  # fmt: skip


async def test_claims_are_provided_for_by_documents(tmp_path):
    (tmp_path / "claims.yaml").write_text(CLAIMS)
    async with Cluster(nodes=1, scheduler="off", controllers=QUIET, stages=(str(tmp_path),)) as cluster:
        await cluster.create(claim("one"), claim("two"))
        await cluster.advance(2.5)
        assert await cluster.list(PERSISTENT_VOLUMES) == []
        await cluster.advance(1)
        for name in ("one", "two"):
            bound = await cluster.get(PERSISTENT_VOLUME_CLAIMS, name)
            assert (bound["spec"]["volumeName"], bound["status"]["phase"]) == (f"pv-{name}", "Bound")
            assert bound["metadata"]["annotations"]["noted"] == "yes"
        volume = await cluster.get(PERSISTENT_VOLUMES, "pv-one", "")
        assert volume["spec"]["capacity"] == {"storage": "1Gi"}
        # In the namespace of the claim; there already for the second.
        assert set((await cluster.get(CONFIG_MAPS, "notes"))["data"]) == {"one", "two"}
        assert "Provisioning" in [event["reason"] for event in await cluster.list(EVENTS, "default")]


WIDGETS = Resource("example.com", "v1", "Widget", "widgets", "widget", namespaced=True)
LIFE = """
kind: Stage
metadata: {name: widget-ready}
spec:
  resourceRef: {apiGroup: example.com/v1, kind: Widget}
  selector: {matchExpressions: [{key: .status.phase, operator: DoesNotExist}]}
  immediateNextStage: true
  next:
    finalizers: {add: [{value: example.com/hold}]}
    statusTemplate: 'phase: Ready'
---
kind: Stage
metadata: {name: widget-over}
spec:
  resourceRef: {apiGroup: example.com/v1, kind: Widget}
  selector: {matchExpressions: [{key: .status.phase, operator: In, values: [Ready]}]}
  delay: {durationFrom: {cel: {expression: "self.spec.life"}}}
  next: {finalizers: {empty: true}, delete: true}
"""


async def test_a_kind_that_comes_later_lives_too(tmp_path):
    (tmp_path / "widgets.yaml").write_text(LIFE)
    async with Cluster(nodes=1, scheduler="off", controllers=QUIET, stages=(str(tmp_path),)) as cluster:
        await cluster.advance(7)
        await cluster.create(make_custom_kind("Widget").with_status())
        await cluster.advance(1)
        widget = {"apiVersion": "example.com/v1", "kind": "Widget", "spec": {"life": "30s"}}
        await cluster.create(widget | {"metadata": {"name": "w", "namespace": "default"}})
        await cluster.advance(10)
        made = await cluster.get(WIDGETS, "w")
        assert made["status"] == {"phase": "Ready"} and made["metadata"]["finalizers"] == ["example.com/hold"]
        await cluster.advance(35)
        assert await cluster.list(WIDGETS) == []


APPLYING = """
kind: Stage
metadata: {name: pod-note}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchLabels: {noted: "true"}
    matchExpressions: [{key: '.metadata.annotations["noted"]', operator: DoesNotExist}]
  steps:
    - apply:
        template: |
          apiVersion: v1
          kind: ConfigMap
          metadata: {name: of-{{ .metadata.name }}}
    - patch: {root: metadata, template: 'annotations: {noted: "yes"}', impersonation: {username: jane}}
"""


BINDING = {
    "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "jane"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
    "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "jane"}],
}  # fmt: skip


@pytest.mark.parametrize("may", [True, False])
async def test_a_pods_stages_apply_too_and_speak_as_whom_they_say(tmp_path, may):
    (tmp_path / "pods.yaml").write_text(APPLYING)
    async with Cluster(nodes=1, scheduler="off", controllers=QUIET, stages=(str(tmp_path),)) as cluster:
        if may:
            await cluster.create(BINDING)
        await cluster.create(make_pod("web").labels(noted="true").on("node-1"))
        await cluster.advance(1)
        await cluster.get(CONFIG_MAPS, "of-web")
        annotations = (await cluster.get(PODS, "web"))["metadata"].get("annotations") or {}
        assert ("noted" in annotations) is may
