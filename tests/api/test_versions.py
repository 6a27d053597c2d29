"""What each version of Kubernetes serves. Facts: the change logs of 1.31 ... 1.37."""

from __future__ import annotations

import pytest

from kubepy.api import conversion, openapi, versions
from kubepy.api.builtins import BUILTINS, Catalog
from kubepy.api.schema import Schemas


def names(version: str) -> set[str]:
    return {f"{row.api_version}/{row.plural}" for row in versions.served(version, Schemas(version))}


def test_the_newest_serves_the_table() -> None:
    assert versions.served(versions.NEWEST, Schemas(versions.NEWEST)) == BUILTINS


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("networking.k8s.io/v1/servicecidrs", 33),
        ("networking.k8s.io/v1/ipaddresses", 33),
        ("resource.k8s.io/v1/resourceclaims", 34),
        ("storage.k8s.io/v1/volumeattributesclasses", 34),
        ("admissionregistration.k8s.io/v1/mutatingadmissionpolicies", 36),
        ("certificates.k8s.io/v1/clustertrustbundles", 37),
        ("admissionregistration.k8s.io/v1/validatingadmissionpolicies", 30),
        ("v1/pods", 30),
    ],
)
def test_a_kind_is_served_from_its_release_on(name: str, first: int) -> None:
    having = [version for version in versions.VERSIONS if name in names(version)]
    assert having == [version for version in versions.VERSIONS if versions.minor_of(version) >= first]


def test_what_went_away() -> None:
    beta = "flowcontrol.apiserver.k8s.io/v1beta3/flowschemas"
    assert [version for version in versions.VERSIONS if beta in names(version)] == ["1.30", "1.31"]


def test_a_retired_version_shares_the_storage_of_the_stable_one() -> None:
    catalog = Catalog(versions.served("1.31", Schemas("1.31")))
    row = catalog.get("flowcontrol.apiserver.k8s.io", "v1beta3", "flowschemas")
    assert row is not None
    storage = catalog.storage(row)
    assert (storage.version, row.subresource("status") is not None) == ("v1", True)
    converted = conversion.convert({"apiVersion": storage.api_version, "kind": "FlowSchema"}, storage, row)
    assert converted["apiVersion"] == row.api_version


@pytest.mark.parametrize(("version", "is_there"), [("1.32", False), ("1.33", True), ("1.37", True)])
def test_pods_can_be_resized_from_1_33_on(version: str, is_there: bool) -> None:
    (pods,) = (row for row in versions.served(version, Schemas(version)) if row.plural == "pods")
    assert (pods.subresource("resize") is not None) is is_there


@pytest.mark.parametrize("version", versions.VERSIONS)
def test_each_version_has_a_schema_for_all_it_serves(version: str) -> None:
    schemas = Schemas(version)
    catalog = Catalog(versions.served(version, schemas))
    assert {row.schema for row in catalog} <= schemas.definitions.keys()
    document = openapi.v2_document(catalog, schemas)
    assert document["info"]["version"] == ("v1.30.0" if version == "1.30" else version)


def test_what_a_version_calls_itself() -> None:
    old = versions.info("1.30")
    assert (old["major"], old["minor"], old["gitVersion"]) == ("1", "30", "v1.30.0")
    assert "emulationMinor" not in old
    assert versions.info("1.37")["minCompatibilityMinor"] == "36"
