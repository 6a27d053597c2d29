import pytest

from kubepy.api import disabled
from kubepy.api.builtins import LEASES, PODS, STATEFUL_SETS
from kubepy.api.schema import Schemas


def pod(**container):
    return {"spec": {"containers": [{"name": "c", "image": "i"} | container]}}


@pytest.mark.parametrize("name", disabled.FIELDS)
def test_each_field_is_one_of_the_newest_version(name):
    known = Schemas().definitions[name]["properties"]
    assert [field for field in disabled.FIELDS[name] if field not in known] == []


@pytest.mark.parametrize(
    ("resource", "sent", "without"),
    [
        (PODS, pod(lifecycle={"stopSignal": "SIGUSR1", "preStop": {"sleep": {"seconds": 1}}}), ["SIGUSR1"]),
        (
            PODS,
            pod(volumeMounts=[{"name": "v", "mountPath": "/v", "bindMountOptions": ["noexec"]}]),
            ["noexec"],
        ),
        (
            LEASES,
            {"spec": {"strategy": "OldestEmulationVersion", "preferredHolder": "you"}},
            ["Oldest", "you"],
        ),
    ],
)
def test_what_is_sent_in_it_is_dropped_without_a_word(resource, sent, without):
    schema = Schemas().of(resource)
    assert schema.decode(sent).unknown == []
    schema.default(sent)
    assert [text for text in without if text in str(sent)] == []


@pytest.mark.parametrize(
    ("version", "sent", "kept"),
    [
        ("1.36", {"maxUnavailable": "42%"}, {"partition": 0}),
        ("1.37", {"maxUnavailable": "42%"}, {"partition": 0, "maxUnavailable": "42%"}),
        ("1.37", {}, {"partition": 0, "maxUnavailable": 1}),
    ],
)
def test_a_feature_is_on_since_a_version(version, sent, kept):
    stateful_set = {"spec": {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": sent}}}
    Schemas(version).of(STATEFUL_SETS).default(stateful_set)
    assert stateful_set["spec"]["updateStrategy"]["rollingUpdate"] == kept
