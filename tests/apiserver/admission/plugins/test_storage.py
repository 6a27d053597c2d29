"""DefaultStorageClass, StorageObjectInUseProtection, PersistentVolumeClaimResize."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.conftest import Api

CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims"
VOLUMES = "/api/v1/persistentvolumes"
CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
ATTRIBUTES = "/apis/storage.k8s.io/v1/volumeattributesclasses"


def claim(name: str = "data", **spec: Any) -> dict[str, Any]:
    wanted = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return {"metadata": {"name": name}, "spec": wanted | spec}


def storage_class(name: str, *, default: str = "true", **fields: Any) -> dict[str, Any]:
    annotations = {"storageclass.kubernetes.io/is-default-class": default}
    return {"metadata": {"name": name, "annotations": annotations}, "provisioner": "x.csi"} | fields


async def test_a_claim_that_says_nothing_gets_the_default_class(api: Api) -> None:
    assert "storageClassName" not in (await api.ok("POST", CLAIMS, claim("before")))["spec"]
    await api.ok("POST", CLASSES, storage_class("other", default="false"))
    await api.ok("POST", CLASSES, storage_class("fast"))
    assert (await api.ok("POST", CLAIMS, claim("silent")))["spec"]["storageClassName"] == "fast"
    assert (await api.ok("POST", CLAIMS, claim("none", storageClassName="")))["spec"][
        "storageClassName"
    ] == ""
    annotated = claim("beta")
    annotated["metadata"]["annotations"] = {"volume.beta.kubernetes.io/storage-class": "slow"}
    assert "storageClassName" not in (await api.ok("POST", CLAIMS, annotated))["spec"]


@pytest.mark.parametrize(
    ("path", "obj", "finalizer"),
    [
        (CLAIMS, claim(), "kubernetes.io/pvc-protection"),
        (
            VOLUMES,
            {
                "metadata": {"name": "pv"},
                "spec": {
                    "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}, "hostPath": {"path": "/a"},
                },
            },
            "kubernetes.io/pv-protection",
        ),
        (ATTRIBUTES, {"metadata": {"name": "a"}, "driverName": "x.csi", "parameters": {"a": "b"}},
         "kubernetes.io/vac-protection"),
    ],
)  # fmt: skip
async def test_what_may_be_in_use_is_held(api: Api, path: str, obj: Any, finalizer: str) -> None:
    obj = obj | {"metadata": obj["metadata"] | {"finalizers": ["example.com/mine"]}}
    assert (await api.ok("POST", path, obj))["metadata"]["finalizers"] == ["example.com/mine", finalizer]


async def test_only_claims_of_growing_classes_grow(api: Api) -> None:
    await api.ok("POST", CLASSES, storage_class("fixed"))
    await api.ok("POST", CLASSES, storage_class("grows", default="false", allowVolumeExpansion=True))
    larger = {"resources": {"requests": {"storage": "2Gi"}}}
    for name in ("fixed", "grows"):
        await api.ok("POST", CLAIMS, claim(name, storageClassName=name))
    for name in ("fixed", "grows"):
        bound = claim(name, storageClassName=name) | {"status": {"phase": "Bound"}}
        await api.ok("PUT", f"{CLAIMS}/{name}/status", bound)
    error = await api.error("PUT", f"{CLAIMS}/fixed", claim("fixed", storageClassName="fixed", **larger))
    assert (error.code, error.message) == (
        403,
        'persistentvolumeclaims "fixed" is forbidden: only dynamically provisioned pvc can be resized and the '
        "storageclass that provisions the pvc must support resize",
    )
    grown = await api.ok("PUT", f"{CLAIMS}/grows", claim("grows", storageClassName="grows", **larger))
    assert grown["spec"]["resources"]["requests"]["storage"] == "2Gi"
