"""What a user turns on and off: feature gates and API versions."""

from __future__ import annotations

import pytest

from kubepy.api import enablement, versions
from kubepy.api.schema import Schemas

SCHEMAS = Schemas()
GATE, CONFIG = "GenericWorkload=true", "scheduling.k8s.io/v1beta1=true"


def served(*runtime_config: str, gates: tuple[str, ...] = ()) -> set[str]:
    rows = enablement.served("1.37", SCHEMAS, runtime_config=runtime_config, feature_gates=gates)
    return {f"{row.api_version}/{row.plural}" for row in rows}


GROUPS = {"scheduling.k8s.io/v1beta1/podgroups", "scheduling.k8s.io/v1beta1/workloads"}
DEFAULT = served()


@pytest.mark.parametrize(
    ("runtime_config", "gates", "more", "less"),
    [
        ((), (), set(), set()),
        # Neither does it alone.
        ((), (GATE,), set(), set()),
        ((CONFIG,), (), set(), set()),
        ((CONFIG,), (GATE,), GROUPS, set()),
        (("scheduling.k8s.io/v1beta1",), ("AllBeta=true",), GROUPS, set()),
        ((CONFIG,), ("AllBeta=true", "GenericWorkload=false"), set(), set()),
        (("api/beta=true",), (GATE,), GROUPS, set()),
        (("api/all=true",), (GATE,), GROUPS, set()),
        (("api/all=true", "scheduling.k8s.io/v1beta1=false"), (GATE,), set(), set()),
        (
            ("scheduling.k8s.io/v1beta1/podgroups=true",),
            (GATE,),
            {"scheduling.k8s.io/v1beta1/podgroups"},
            set(),
        ),
        (
            ("batch/v1=false",),
            (),
            set(),
            {"batch/v1/jobs", "batch/v1/cronjobs"},
        ),
        (("batch/v1=false", "batch/v1/jobs=true"), (), set(), {"batch/v1/cronjobs"}),
    ],
)
def test_what_is_served(
    runtime_config: tuple[str, ...], gates: tuple[str, ...], more: set[str], less: set[str]
) -> None:
    found = served(*runtime_config, gates=gates)
    assert (found - DEFAULT, DEFAULT - found) == (more, less)


@pytest.mark.parametrize(
    ("runtime_config", "gates", "message"),
    [
        ((), ("GenericWorkload",), "missing bool value for GenericWorkload"),
        ((), ("Flying=true",), "unrecognized feature gate: Flying"),
        (
            (),
            ("GenericWorkload=maybe",),
            'invalid value of GenericWorkload=maybe, err: strconv.ParseBool: parsing "maybe": invalid syntax',
        ),
        (
            ("api/beta=maybe",),
            (),
            'invalid value of api/beta: maybe, err: strconv.ParseBool: parsing "maybe": invalid syntax',
        ),
        (("api/all=false",), (), "invalid runtime-config with only api/all=false"),
        (("batch",), (), "runtime-config invalid key batch"),
        (("nothing.k8s.io/v1",), (), "unknown api groups nothing.k8s.io"),
        (("batch/v9",), (), "group version batch/v9 that has not been registered"),
        (
            ("batch/v1/Job",),
            (),
            'invalid key batch/v1/Job: group/version/resource and resource is always lowercase plural, not "Job"',
        ),
    ],
)
def test_what_is_refused(runtime_config: tuple[str, ...], gates: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError) as refused:
        served(*runtime_config, gates=gates)
    assert str(refused.value) == message


def test_a_version_that_does_not_know_a_feature_refuses_it() -> None:
    with pytest.raises(ValueError, match="unrecognized feature gate: GenericWorkload"):
        enablement.features((GATE,), versions.minor_of("1.34"))
