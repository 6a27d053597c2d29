"""Cases of TestValidatePodResize."""

import pytest

POD = """
apiVersion: v1
kind: Pod
metadata: {{annotations: {{{annotations}}}}}
spec:
  {spec}
  containers:
  - {{name: c, image: i, resources: {{requests: {{{requests}}}, limits: {{{limits}}}}}}}
status:
  {status}
"""


def pod(requests="cpu: 1", limits="cpu: 2", annotations="", spec="", status="qosClass: Burstable"):
    return POD.format(requests=requests, limits=limits, annotations=annotations, spec=spec, status=status)


def test_amounts_may_grow_and_shrink(rules):
    assert rules.update(pod(), pod("cpu: 1500m"), "resize") == []
    assert rules.update(pod(), pod("cpu: 100m", "cpu: 200m, memory: 1Gi"), "resize") == []


ONLY = "spec: Forbidden: only cpu and memory resources are mutable"
REMOVED = "spec.containers[0].resources.{0}: Forbidden: resource {0} cannot be removed"
QOS = 'spec: Invalid value: "{}": Pod QOS Class may not change as a result of resizing'


@pytest.mark.parametrize(
    ("old", "new", "texts"),
    [
        (pod("cpu: 1, memory: 1Gi"), pod(), [REMOVED.format("requests")]),
        (pod(), pod(limits=""), [REMOVED.format("limits")]),
        (pod(), pod("cpu: 2", "cpu: 2, ephemeral-storage: 1Gi"), [ONLY]),
        (
            pod("cpu: 1, memory: 1Gi", "cpu: 1, memory: 1Gi", status="qosClass: Guaranteed"),
            pod("cpu: 1, memory: 1Gi", "cpu: 2, memory: 1Gi", status="qosClass: Guaranteed"),
            [QOS.format("Guaranteed")],
        ),
        (
            pod(annotations="kubernetes.io/config.mirror: x", spec="nodeName: n"),
            pod("cpu: 2", annotations="kubernetes.io/config.mirror: x", spec="nodeName: n"),
            ["[]: Forbidden: static pods cannot be resized"],
        ),
        (
            pod(spec="os: {name: windows}"),
            pod("cpu: 2", spec="os: {name: windows}"),
            ["[]: Forbidden: windows pods cannot be resized"],
        ),
        (
            pod(status="{qosClass: Burstable, containerStatuses: [{name: c, state: {running: {}}}]}"),
            pod("cpu: 2", status="{qosClass: Burstable, containerStatuses: [{name: c, state: {running: {}}}]}"),
            ["spec: Forbidden: Pod running on node without support for resize"],
        ),
        (
            pod(),
            pod().replace("name: c,", "name: d,"),
            ["spec.containers[0].name: Forbidden: containers may not be renamed or reordered on resize"],
        ),
        (
            pod(),
            pod().replace("  containers:", "  containers:\n  - {name: d, image: i}"),
            ["spec.containers: Forbidden: containers may not be added or removed on resize"],
        ),
    ],
)  # fmt: skip
def test_what_a_resize_may_not_change(rules, old, new, texts):
    assert rules.update(old, new, "resize") == texts
