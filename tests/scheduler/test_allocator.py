"""Cases of upstream's structured allocator tests, as tables."""

import pytest

from kubepy.scheduler.allocator import Allocator, OutOfTime, PoolsInvalid, Unallocatable
from kubepy.scheduler.devices import DeviceId, Taken
from tests.scheduler.builders import node

DRIVER = "gpu.example.com"
NODE = node("node-1", labels={"zone": "a"})
CLASSES = {
    "gpu": {
        "metadata": {"name": "gpu"},
        "spec": {"config": [{"opaque": {"driver": DRIVER, "parameters": {}}}]},
    },
    "small": {
        "metadata": {"name": "small"},
        "spec": {"selectors": [{"cel": {"expression": f'device.attributes["{DRIVER}"].size < 2'}}]},
    },
}


def device(name, *, size=1, **fields):
    return {"name": name, "attributes": {"size": {"int": size}, "numa": {"string": name[-1]}}, **fields}


def pool(*devices, name="p", count=1, generation=1, part=0, **spec):
    where = {} if {"allNodes", "nodeSelector", "perDeviceNodeSelection", "sharedCounters"} & set(spec) else {
        "nodeName": "node-1"
    }  # fmt: skip
    return {
        "metadata": {"name": f"{name}-{part}"},
        "spec": {
            "driver": DRIVER,
            "pool": {"name": name, "generation": generation, "resourceSliceCount": count},
            **({"devices": list(devices)} if devices else {}),
            **where,
            **spec,
        },
    }


def request(name="r", device_class="gpu", **exactly):
    return {"name": name, "exactly": {"deviceClassName": device_class, **exactly}}


def claim(*requests, **devices):
    spec = {"devices": {"requests": list(requests) or [request()], **devices}}
    return {"metadata": {"name": "c", "namespace": "default"}, "spec": spec}


def allocate(slices, *claims, taken=None, is_late=lambda: False):
    allocator = Allocator(slices, CLASSES.get, taken or Taken(), lambda: "share")
    return allocator.allocate(NODE, claims, is_late)


def names(found):
    """Per claim the devices; None if there is no solution."""
    if found is None:
        return None
    return [[one["device"] for one in allocation["devices"]["results"]] for allocation in found]


def taken(*devices):
    found = Taken()
    found.add({"devices": {"results": [{"driver": DRIVER, "pool": "p", "device": one} for one in devices]}})
    return found


TWO = pool(device("d0"), device("d1", size=2))
TAINTED = device("d0", taints=[{"key": "k", "value": "v", "effect": "NoSchedule"}])
TOLERATES = [{"key": "k", "operator": "Exists"}]
SAME, DISTINCT = ({f"{kind}Attribute": f"{DRIVER}/numa"} for kind in ("match", "distinct"))
PAIRS = pool(device("a0"), device("a1"), device("b1"))
PARTS = [
    pool(name="p", count=2, part=1, sharedCounters=[{"name": "mem", "counters": {"gi": {"value": "10"}}}]),
    pool(
        *(
            device(name, consumesCounters=[{"counterSet": "mem", "counters": {"gi": {"value": amount}}}])
            for name, amount in (("whole", "10"), ("half", "5"), ("other", "5"))
        ),
        name="p",
        count=2,
    ),
]
SHARED = pool(device("d0", allowMultipleAllocations=True, capacity={"memory": {"value": "10Gi"}}))


def of(amount):
    return request(capacity={"requests": {"memory": amount}})


@pytest.mark.parametrize(
    ("slices", "claims", "already", "expected"),
    [
        ([TWO], [claim()], taken(), [["d0"]]),
        ([TWO], [claim()], taken("d0"), [["d1"]]),
        ([TWO], [claim()], taken("d0", "d1"), None),
        ([TWO], [claim(request(count=2))], taken(), [["d0", "d1"]]),
        ([TWO], [claim(request(count=3))], taken(), None),
        ([TWO], [claim(), claim()], taken(), [["d0"], ["d1"]]),
        ([TWO], [claim(request(), request("s", "small"))], taken(), [["d1", "d0"]]),
        # all of them, or none
        ([TWO], [claim(request(allocationMode="All"))], taken(), [["d0", "d1"]]),
        ([TWO], [claim(request(allocationMode="All"))], taken("d1"), None),
        ([], [claim(request(allocationMode="All"))], taken(), None),
        # who looks on takes nothing and minds nobody
        ([TWO], [claim(request(adminAccess=True))], taken("d0", "d1"), [["d0"]]),
        # elsewhere
        ([pool(device("d0"), nodeName="node-2")], [claim()], taken(), None),
        ([pool(device("d0"), allNodes=True)], [claim()], taken(), [["d0"]]),
        ([pool(device("d0"), device("d1", nodeName="node-1"), perDeviceNodeSelection=True)], [claim()], taken(),
         [["d1"]]),
        # generations
        ([pool(device("old")), pool(device("new"), generation=2, part=1)], [claim()], taken(), [["new"]]),
        ([pool(device("d0"), count=2)], [claim()], taken(), None),
        # taints
        ([pool(TAINTED)], [claim()], taken(), None),
        ([pool(TAINTED)], [claim(request(tolerations=TOLERATES))], taken(), [["d0"]]),
        # constraints
        ([PAIRS], [claim(request(count=2), constraints=[SAME])], taken(), [["a1", "b1"]]),
        ([PAIRS], [claim(request(count=2), constraints=[DISTINCT])], taken(), [["a0", "a1"]]),
        ([PAIRS], [claim(request(count=3), constraints=[DISTINCT])], taken(), None),
        # counters that partitions share
        (PARTS, [claim(request(count=2))], taken(), [["half", "other"]]),
        (PARTS, [claim(request(count=2))], taken("half"), None),
        (PARTS, [claim()], taken("half"), [["other"]]),
        # capacity that claims share
        ([SHARED], [claim(of("6Gi")), claim(of("4Gi"))], taken(), [["d0"], ["d0"]]),
        ([SHARED], [claim(of("6Gi")), claim(of("5Gi"))], taken(), None),
        ([SHARED], [claim()], taken(), [["d0"]]),
        # the first alternative that works
        ([TWO], [claim({"name": "r", "firstAvailable": [
            {"name": "three", "deviceClassName": "gpu", "count": 3},
            {"name": "one", "deviceClassName": "small"}]})], taken(), [["d0"]]),
    ],
)  # fmt: skip
def test_allocations(slices, claims, already, expected):
    assert names(allocate(slices, *claims, taken=already)) == expected


@pytest.mark.parametrize(
    ("slices", "claims", "error", "message"),
    [
        ([TWO], [claim(request(device_class="none"))], Unallocatable,
         "claim default/c, request r: could not retrieve device class none: "
         'deviceclass.resource.k8s.io "none" not found'),
        ([TWO], [claim(request(count=33))], Unallocatable,
         "claim default/c: number of requested devices 33 exceeds the claim limit of 32"),
        ([pool(device("d0"), count=2)], [claim(request(allocationMode="All"))], Unallocatable,
         "claim default/c, request r: asks for all devices, but resource pool gpu.example.com/p is currently being "
         "updated"),
        ([PAIRS], [claim(request(allocationMode="All"), constraints=[SAME])], Unallocatable,
         "claim default/c, request r: cannot add device gpu.example.com/p/a1 because a claim constraint would not be "
         "satisfied"),
        ([pool(device("d0"), device("d0"))], [claim()], PoolsInvalid, "invalid resource pools were encountered"),
    ],
)  # fmt: skip
def test_what_is_wrong(slices, claims, error, message):
    with pytest.raises(error) as found:
        allocate(slices, *claims)
    assert str(found.value) == message


def test_a_selector_that_fails_ends_the_decision():
    selectors = [{"cel": {"expression": f'device.attributes["{DRIVER}"].absent == 1'}}]
    with pytest.raises(
        Unallocatable, match="claim default/c: selector #0: CEL runtime error: no such key: absent"
    ):
        allocate([TWO], claim(request(selectors=selectors)))


def test_a_search_that_takes_too_long():
    with pytest.raises(OutOfTime):
        allocate([TWO], claim(), is_late=lambda: True)


def test_what_is_written_into_a_claim():
    alternatives = {
        "name": "r",
        "firstAvailable": [{"name": "a", "deviceClassName": "gpu", "tolerations": TOLERATES}],
    }
    config = [{"requests": ["r/a"], "opaque": {"driver": DRIVER}}, {"requests": ["other"], "opaque": {}}]
    slices = [pool(device("d0", bindingConditions=["ready"]), nodeSelector={"nodeSelectorTerms": [
        {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}]})]  # fmt: skip
    (found,) = allocate(slices, claim(alternatives, config=config))
    assert found == {
        "devices": {
            "results": [
                {
                    "request": "r/a",
                    "driver": DRIVER,
                    "pool": "p",
                    "device": "d0",
                    "tolerations": TOLERATES,
                    "bindingConditions": ["ready"],
                }
            ],
            "config": [
                {"source": "FromClass", "requests": ["r/a"], "opaque": {"driver": DRIVER, "parameters": {}}},
                {"source": "FromClaim", "requests": ["r/a"], "opaque": {"driver": DRIVER}},
            ],
        },
        "nodeSelector": {
            "nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}]
        },
    }


def test_shares_are_counted_and_given_back():
    (first,) = allocate([SHARED], claim(of("6Gi")))
    assert first["devices"]["results"][0]["consumedCapacity"] == {"memory": "6Gi"}
    already = Taken()
    already.add(first)
    assert names(allocate([SHARED], claim(of("6Gi")), taken=already)) is None
    already.remove(first)
    assert already == Taken()
    assert names(allocate([SHARED], claim(of("6Gi")), taken=already)) == [["d0"]]
    assert taken("d0").devices == {DeviceId(DRIVER, "p", "d0")}
