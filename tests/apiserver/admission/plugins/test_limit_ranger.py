"""The steps of upstream's end-to-end test. Source: kubernetes 1.36 test/e2e/scheduling/limit_range.go."""

from __future__ import annotations

from kubepy.api.objects import Obj
from tests.apiserver.conftest import Api

RANGES = "/api/v1/namespaces/default/limitranges"
PODS = "/api/v1/namespaces/default/pods"


def resources(cpu: str = "", memory: str = "", storage: str = "") -> Obj:
    given = {"cpu": cpu, "memory": memory, "ephemeral-storage": storage}
    return {name: text for name, text in given.items() if text}


def pod(name: str, requests: Obj | None = None, limits: Obj | None = None) -> Obj:
    own = {"requests": requests or {}, "limits": limits or {}}
    return {
        "metadata": {"name": name},
        "spec": {"containers": [{"name": "c", "image": "i", "resources": own}]},
    }


async def test_defaults_and_bounds(api: Api) -> None:
    default, request = resources("500m", "500Mi", "500Gi"), resources("100m", "200Mi", "200Gi")
    item = {
        "type": "Container", "min": resources("50m", "100Mi", "100Gi"), "max": default, "default": default,
        "defaultRequest": request,
    }  # fmt: skip
    limit_range = await api.ok("POST", RANGES, {"metadata": {"name": "l"}, "spec": {"limits": [item]}})

    made = await api.ok("POST", PODS, pod("pod-no-resources"))
    assert made["spec"]["containers"][0]["resources"] == {"requests": request, "limits": default}
    made = await api.ok("POST", PODS, pod("pod-partial", resources("", "150Mi", "150Gi"), resources("300m")))
    # A limit without a request is the request, too; the default request comes later.
    assert made["spec"]["containers"][0]["resources"] == {
        "requests": resources("300m", "150Mi", "150Gi"), "limits": resources("300m", "500Mi", "500Gi"),
    }  # fmt: skip

    less, more = pod("pod", resources("10m", "50Mi", "50Gi")), pod("pod", resources("600m", "600Mi", "600Gi"))
    error = await api.error("POST", PODS, less)
    assert error.code == 403
    assert "minimum cpu usage per Container is 50m, but request is 10m" in error.message
    await api.error("POST", PODS, more)

    limit_range["spec"]["limits"][0]["min"] = resources("9m", "49Mi", "49Gi")
    await api.ok("PUT", f"{RANGES}/l", limit_range)
    await api.ok("POST", PODS, less)
    await api.ok("DELETE", f"{RANGES}/l")
    more["metadata"]["name"] = "pod2"
    await api.ok("POST", PODS, more)


async def test_what_is_on_its_way_out_is_left_alone(api: Api) -> None:
    claims = "/api/v1/namespaces/default/persistentvolumeclaims"
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}}
    made = await api.ok(
        "POST", claims, {"metadata": {"name": "c", "finalizers": ["example.com/f"]}, "spec": spec}
    )
    item = {"type": "PersistentVolumeClaim", "max": {"storage": "1Gi"}}
    await api.ok("POST", RANGES, {"metadata": {"name": "l"}, "spec": {"limits": [item]}})
    made["metadata"]["labels"] = {"a": "b"}
    error = await api.error("PUT", f"{claims}/c", made)
    assert error.message == (
        'persistentvolumeclaims "c" is forbidden: maximum storage usage per PersistentVolumeClaim is 1Gi, but '
        "request is 5Gi"
    )
    gone = await api.ok("DELETE", f"{claims}/c")
    gone["metadata"]["finalizers"] = []
    await api.ok("PUT", f"{claims}/c", gone)
