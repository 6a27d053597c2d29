"""Upstream's cases of plugin/pkg/admission/imagepolicy/admission_test.go."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.builtins import PODS
from kubepy.api.errors import ServiceUnavailable, StatusError
from kubepy.apiserver.admission.base import CREATE, UPDATE, Attributes
from kubepy.apiserver.admission.plugins.image_policy_webhook import (
    ATTEMPTS,
    FAILED_OPEN,
    ImagePolicyWebhook,
    Service,
    Settings,
    refusal,
    spec_of,
)
from kubepy.apiserver.request import User
from kubepy.client.transport import ConnectionLost, Reply
from kubepy.lib.clock import VirtualClock
from kubepy.lib.random import Random
from kubepy.store.memory import MemoryStore
from tests.apiserver.conftest import Api

Obj = dict[str, Any]

PATH = "/api/v1/namespaces/default/pods"


class Backend:
    """Gives these answers one after the other, the last one for ever."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[Obj] = []

    async def request(self, method: str, path: str, *, body: Any) -> Reply:
        self.asked.append(body)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return Reply(200, {"status": answer}, {})

    async def close(self) -> None:
        pass


def service(clock: VirtualClock, backend: Backend, **settings: Any) -> Service:
    return Service(Settings("", retry_s=0.0, **settings), backend, clock, Random(1))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, Settings("")),
        ({"kubeConfigFile": "k", "defaultAllow": True}, Settings("k", default_allow=True)),
        ({"allowTTL": 7, "denyTTL": -1, "retryBackoff": 20}, Settings("", 7.0, 0.0, 0.02)),
    ],
)
def test_settings(given: Obj, expected: Settings) -> None:
    assert Settings.of({"imagePolicy": given}) == expected


@pytest.mark.parametrize("given", [{"allowTTL": 1801}, {"denyTTL": -2}, {"retryBackoff": 300_001}])
def test_settings_out_of_range(given: Obj) -> None:
    with pytest.raises(ValueError, match=r"^imagePolicy\.\w+: valid value is between "):
        Settings.of({"imagePolicy": given})


async def test_answers_are_believed_for_a_while(clock: VirtualClock) -> None:
    backend = Backend({"allowed": True}, {"allowed": False, "reason": "no"}, {"allowed": True})
    asked = service(clock, backend, allow_s=10.0, deny_s=5.0)
    seen = []
    for wait_s in (0.0, 9.0, 2.0, 4.0, 2.0):
        await clock.advance(wait_s)
        seen.append((await asked.review({"containers": [{"image": "i"}]}))["allowed"])
    assert seen == [True, True, False, False, True]
    assert len(backend.asked) == 3
    assert backend.asked[0]["apiVersion"] == "imagepolicy.k8s.io/v1alpha1"


@pytest.mark.parametrize(
    ("answers", "attempts", "is_answered"),
    [
        ([ConnectionLost("gone"), ServiceUnavailable("busy"), {"allowed": True}], 3, True),
        ([ConnectionLost("gone")], ATTEMPTS, False),
        ([StatusError("teapot", code=418)], 1, False),
    ],
)
async def test_it_is_asked_again(
    clock: VirtualClock, answers: list[Any], attempts: int, is_answered: bool
) -> None:
    backend = Backend(*answers)
    asked = service(clock, backend)
    if is_answered:
        assert await asked.review({}) == {"allowed": True}
    else:
        with pytest.raises((ConnectionLost, StatusError)):
            await asked.review({})
    assert len(backend.asked) == attempts


@pytest.mark.parametrize(
    ("subresource", "images"), [("", ["main", "init"]), ("ephemeralcontainers", ["debug"])]
)
def test_what_is_asked(subresource: str, images: list[str]) -> None:
    pod = {
        "metadata": {"annotations": {"a.image-policy.k8s.io/b": "x", "other": "y"}},
        "spec": {
            "containers": [{"image": "main"}],
            "initContainers": [{"image": "init"}],
            "ephemeralContainers": [{"image": "debug"}],
        },
    }
    operation = UPDATE if subresource else CREATE
    attributes = Attributes(operation, PODS, subresource, "n", "p", pod, None, User("u"), False, [])
    assert spec_of(attributes) == {
        "containers": [{"image": image} for image in images],
        "annotations": {"a.image-policy.k8s.io/b": "x"},
        "namespace": "n",
    }


def test_how_a_refusal_reads() -> None:
    assert refusal({"reason": "old"}) == "image policy webhook backend denied one or more images: old"
    assert refusal({}) == "one or more images rejected by webhook backend"


KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]
contexts: [{name: c, context: {cluster: c, user: c}}]
users: [{name: c, user: {}}]
current-context: c
"""


@pytest.mark.parametrize("default_allow", [True, False])
async def test_without_a_service(
    clock: VirtualClock, store: MemoryStore, tmp_path: Any, default_allow: bool
) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(KUBECONFIG)
    settings = {"kubeConfigFile": str(path), "defaultAllow": default_allow, "retryBackoff": -1}
    api = Api(
        clock,
        store,
        enable_admission_plugins=["ImagePolicyWebhook"],
        admission_configuration={"ImagePolicyWebhook": {"imagePolicy": settings}},
    )
    await api.namespace("default")
    obj = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    if default_allow:
        assert (await api.ok("POST", PATH, obj))["metadata"]["annotations"] == {FAILED_OPEN: "true"}
    else:
        assert (await api.error("POST", PATH, obj)).message.startswith('pods "p" is forbidden: ')
    await api.registry.close()


def test_it_needs_a_configuration(clock: VirtualClock, store: MemoryStore) -> None:
    with pytest.raises(ValueError, match=r"^no config specified$"):
        Api(clock, store, enable_admission_plugins=[ImagePolicyWebhook.name])
