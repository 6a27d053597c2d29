"""Source: extendeddynamicresources_test.go (createRequestsAndMappings), extendedresourcecache_test.go."""

from __future__ import annotations

import pytest

from kubepy.scheduler.extended_resources import by_resource, may_be_backed, requests_of

GPU = "example.com/gpu"


def device_class(name, resource=None, created="2026-01-01T00:00:00Z"):
    spec = {"extendedResourceName": resource} if resource else {}
    return {"metadata": {"name": name, "creationTimestamp": created}, "spec": spec}


CLASSES = by_resource([device_class("gpu", GPU), device_class("nic", "example.com/nic")])


def container(name, restart=None, **resources):
    wanted = {f"example.com/{key}" if key in ("gpu", "nic") else key: v for key, v in resources.items()}
    made = {"name": name, "resources": {"requests": wanted}}
    return made | ({"restartPolicy": restart} if restart else {})


def pod(*containers, init=()):
    return {"spec": {"containers": list(containers), "initContainers": list(init)}}


def asked(requests):
    return {r["name"]: (r["exactly"]["deviceClassName"], r["exactly"]["count"]) for r in requests}


def told(mappings):
    return [
        (m["containerName"], m["resourceName"].removeprefix("example.com/"), m["requestName"])
        for m in mappings
    ]


@pytest.mark.parametrize(
    ("subject", "requests", "mappings"),
    [
        (
            pod(container("a", gpu="1")),
            {"container-0-request-0": ("gpu", 1)},
            [("a", "gpu", "container-0-request-0")],
        ),
        # The index is that of the resource among all that the container asks for.
        (
            pod(container("a", cpu="1", gpu="2", nic="1")),
            {"container-0-request-1": ("gpu", 2), "container-0-request-2": ("nic", 1)},
            [("a", "gpu", "container-0-request-1"), ("a", "nic", "container-0-request-2")],
        ),
        (
            pod(container("a", gpu="1"), container("b"), container("c", gpu="3")),
            {"container-0-request-0": ("gpu", 1), "container-2-request-0": ("gpu", 3)},
            [("a", "gpu", "container-0-request-0"), ("c", "gpu", "container-2-request-0")],
        ),
        # An init container uses what later ones ask for ...
        (
            pod(container("a", gpu="2"), init=[container("i", gpu="1")]),
            {"container-1-request-0": ("gpu", 2)},
            [("a", "gpu", "container-1-request-0"), ("i", "gpu", "container-1-request-0")],
        ),
        # ... and more if that is not enough; several of them share the largest.
        (
            pod(container("a", gpu="1"), init=[container("i", gpu="2"), container("j", gpu="4")]),
            {"container-1-request-0": ("gpu", 3), "container-2-request-0": ("gpu", 1)},
            [
                ("a", "gpu", "container-2-request-0"),
                ("i", "gpu", "container-2-request-0"),
                ("i", "gpu", "container-1-request-0"),
                ("j", "gpu", "container-2-request-0"),
                ("j", "gpu", "container-1-request-0"),
            ],
        ),
        # A sidecar keeps what it has.
        (
            pod(container("a", gpu="1"), init=[container("s", restart="Always", gpu="1")]),
            {"container-0-request-0": ("gpu", 1), "container-1-request-0": ("gpu", 1)},
            [("s", "gpu", "container-0-request-0"), ("a", "gpu", "container-1-request-0")],
        ),
    ],
)
def test_what_a_pods_claim_asks_for(subject, requests, mappings):
    found, whose = requests_of(subject, [GPU, "example.com/nic", "example.com/other"], CLASSES.get)
    assert (asked(found), told(whose)) == (requests, mappings)


def test_of_classes_with_one_name_the_younger_counts():
    older, younger = device_class("a", GPU), device_class("b", GPU, "2026-02-01T00:00:00Z")
    assert by_resource([older, younger])[GPU] is younger
    assert by_resource([younger, older])[GPU] is younger
    twin = device_class("c", GPU)
    assert by_resource([twin, older])[GPU] is older
    assert by_resource([older])["deviceclass.resource.kubernetes.io/a"] is older


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (GPU, True),
        ("deviceclass.resource.kubernetes.io/gpu", True),
        ("cpu", False),
        ("hugepages-2Mi", False),
        ("kubernetes.io/batch", False),
    ],
)
def test_what_may_stand_for_a_class(resource, expected):
    assert may_be_backed(resource) is expected
