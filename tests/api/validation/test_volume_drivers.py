"""The in-tree drivers: what a pod's volume and a PersistentVolume are told. Source: upstream's validation_test.go."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.errors import FieldError
from kubepy.api.objects import Obj
from kubepy.api.validation.volume_drivers import IN_PODS, IN_VOLUMES, is_portal_too_long

IQN = "iqn.2015-02.example.com:test"


def told(table: Any, driver: str, source: Obj) -> list[tuple[str, str]]:
    found: list[FieldError] = []
    table[driver](source, f"spec.{driver}", found)
    return [(finding.field.removeprefix("spec."), finding.detail) for finding in found]


@pytest.mark.parametrize(
    ("driver", "source", "wanted"),
    [
        ("gcePersistentDisk", {"pdName": "d", "partition": 255}, []),
        ("gcePersistentDisk", {}, [("persistentDisk.pdName", "")]),
        ("awsElasticBlockStore", {"volumeID": "v", "partition": 256},
         [("awsElasticBlockStore.partition", "must be between 1 and 255, inclusive")]),
        ("iscsi", {"targetPortal": "p", "iqn": IQN, "lun": 1}, []),
        ("iscsi", {"targetPortal": "p", "iqn": "eui.0123456789ABCDEF"}, []),
        ("iscsi", {"targetPortal": "p", "iqn": "iqn.2014-12.example.com:st$ore"},
         [("iscsi.iqn", "must be valid format")]),
        ("iscsi", {"targetPortal": "p", "iqn": IQN, "lun": 256, "chapAuthSession": True},
         [("iscsi.lun", "must be between 0 and 255, inclusive"), ("iscsi.secretRef", "")]),
        ("fc", {"targetWWNs": ["a"], "lun": 1}, []),
        ("fc", {"targetWWNs": ["a"]}, [("fc.lun", "lun is required if targetWWNs is specified")]),
        ("fc", {}, [("fc.targetWWNs", "must specify either targetWWNs or wwids, but not both")]),
        ("flocker", {"datasetName": "a/b"}, [("flocker.datasetName", "must not contain '/'")]),
        ("quobyte", {"registry": "a:1,[::1]:2", "volume": "v"}, []),
        ("quobyte", {"registry": "a", "volume": "v"},
         [("quobyte.registry", "must be a host:port pair or multiple pairs separated by commas")]),
        ("flexVolume", {"driver": "d", "options": {"x.k8s.io/y": "z", "mine/y": "z"}},
         [("flexVolume.options[x.k8s.io/y]", "kubernetes.io and k8s.io namespaces are reserved")]),
        ("azureDisk", {"diskName": "d", "diskURI": "https://x", "kind": "Shared"}, []),
    ],
)  # fmt: skip
def test_both_are_told_the_same(driver: str, source: Obj, wanted: list[tuple[str, str]]) -> None:
    assert told(IN_PODS, driver, source) == wanted
    assert told(IN_VOLUMES, driver, source) == wanted


@pytest.mark.parametrize(
    ("driver", "source", "in_pod", "in_volume"),
    [
        ("iscsi", {"targetPortal": "p", "iqn": "x"},
         [("iscsi.iqn", "must be valid format starting with iqn, eui, or naa")],
         [("iscsi.iqn", "must be valid format")]),
        ("cinder", {"volumeID": "v", "secretRef": {}}, [("cinder.secretRef.name", "")],
         [("cinder.secretRef.name", ""), ("cinder.secretRef.namespace", "")]),
        ("glusterfs", {"endpoints": "e", "path": "p", "endpointsNamespace": ""}, [],
         [("glusterfs.endpointsNamespace", "if the endpointnamespace is set, it must be a valid namespace name")]),
        ("azureFile", {"secretName": "s", "shareName": "s", "secretNamespace": ""}, [],
         [("azureFile.secretNamespace", "")]),
    ],
)  # fmt: skip
def test_a_volume_names_namespaces_too(
    driver: str, source: Obj, in_pod: list[tuple[str, str]], in_volume: list[tuple[str, str]]
) -> None:
    assert told(IN_PODS, driver, source) == in_pod
    assert told(IN_VOLUMES, driver, source) == in_volume


def test_a_portal_and_a_volume_make_a_directory_name() -> None:
    assert not is_portal_too_long({"targetPortal": "p" * 100}, "v")
    assert not is_portal_too_long({"targetPortal": "p" * 62, "initiatorName": IQN}, "v")
    assert is_portal_too_long({"targetPortal": "p" * 63, "initiatorName": IQN}, "v")
