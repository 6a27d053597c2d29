"""A service decides about every image that a pod brings in; its answers are believed for a while.

When it cannot be asked, the configuration says whether pods are let in; those that are carry an annotation of it.

Differs: configured durations out of range are refused in other words.

Source: kubernetes plugin/pkg/admission/imagepolicy/{admission,config}.go.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

import orjson
from msgspec import Struct

from kubepy.api.builtins import PODS
from kubepy.api.errors import StatusError
from kubepy.api.objects import Obj, annotations_of, walk
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import CREATE, UPDATE, Attributes, Plugin, Tools, forbidden
from kubepy.client import kubeconfig
from kubepy.client.transport import ConnectionLost, Transport
from kubepy.lib.clock import Clock
from kubepy.lib.random import Random

AUDIT = "imagepolicywebhook.image-policy.k8s.io/"
FAILED_OPEN = "alpha.image-policy.k8s.io/failed-open"
EPHEMERAL = "ephemeralcontainers"

ANSWERS_MAX = 1024
# Source: config.go defaultAllowTTL, defaultDenyTTL, defaultRetryBackoff.
ALLOW_S, DENY_S, RETRY_S = 300.0, 30.0, 0.5
# Source: apiserver pkg/util/webhook/webhook.go DefaultRetryBackoffWithInitialDelay.
ATTEMPTS, RETRY_FACTOR, RETRY_JITTER = 5, 1.5, 0.2


class Settings(Struct, frozen=True):
    """The part `imagePolicy` of the configuration."""

    kubeconfig: str  # path: where the service is, and who asks
    allow_s: float = ALLOW_S  # how long a yes is believed; 0: not at all
    deny_s: float = DENY_S
    retry_s: float = RETRY_S
    default_allow: bool = False

    @classmethod
    def of(cls, obj: Obj | None) -> Settings:
        """Raises ValueError."""
        if obj is None:
            raise ValueError("no config specified")
        given = obj.get("imagePolicy") or {}
        return cls(
            given.get("kubeConfigFile", ""),
            _seconds(given, "allowTTL", 1.0, ALLOW_S, low=1.0, high=1800.0),
            _seconds(given, "denyTTL", 1.0, DENY_S, low=1.0, high=1800.0),
            _seconds(given, "retryBackoff", 0.001, RETRY_S, low=0.0, high=300.0),
            bool(given.get("defaultAllow")),
        )


def _seconds(given: Obj, field: str, unit_s: float, default_s: float, *, low: float, high: float) -> float:
    """0 or nothing is the default, -1 is none."""
    value = given.get(field) or 0
    if value == 0:
        return default_s
    if value == -1:
        return 0.0
    seconds = float(value * unit_s)
    if not low <= seconds <= high:
        raise ValueError(f"imagePolicy.{field}: valid value is between {low} s and {high} s, got {seconds} s")
    return seconds


class ImagePolicyWebhook(Plugin):
    name = "ImagePolicyWebhook"
    validates = True

    def __init__(self, tools: Tools) -> None:
        """Raises ValueError, also when the service's kubeconfig cannot be used."""
        super().__init__(tools)
        self._settings = settings = Settings.of(tools.configuration.get(self.name))
        try:
            access = kubeconfig.load(settings.kubeconfig)
        except kubeconfig.Unusable as error:
            raise ValueError(str(error)) from None
        self._transport = access.transport(clock=tools.clock, random=tools.random)
        self._service = Service(settings, self._transport, tools.clock, tools.random)

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        return operation in (CREATE, UPDATE) and resource == PODS and subresource in ("", EPHEMERAL)

    async def validate(self, attributes: Attributes) -> None:
        assert attributes.obj is not None, "pods are written with a body"
        try:
            status = await self._service.review(spec_of(attributes))
        except (ConnectionLost, StatusError) as error:
            self._without_answer(attributes, str(error))
            return
        for key, value in (status.get("auditAnnotations") or {}).items():
            attributes.annotate(AUDIT + key, value)
        if not status.get("allowed"):
            raise forbidden(attributes, refusal(status))

    def _without_answer(self, attributes: Attributes, why: str) -> None:
        if not self._settings.default_allow:
            raise forbidden(attributes, why)
        assert attributes.obj is not None, "it was there a moment ago"
        attributes.annotate(AUDIT + "failed-open", "true")
        metadata = attributes.obj["metadata"]
        metadata["annotations"] = {**(metadata.get("annotations") or {}), FAILED_OPEN: "true"}

    async def close(self) -> None:
        await self._transport.close()


class Service:
    """The backend, and what it has said lately."""

    def __init__(self, settings: Settings, transport: Transport, clock: Clock, random: Random) -> None:
        self._settings, self._transport = settings, transport
        self._clock, self._random = clock, random
        self._answers: OrderedDict[bytes, tuple[float, Obj]] = OrderedDict()

    async def review(self, spec: Obj) -> Obj:
        """The status of an ImageReview. Raises StatusError, ConnectionLost."""
        key, now = orjson.dumps(spec), self._clock.now()
        until, status = self._answers.get(key, (0.0, {}))
        if now < until:
            return status
        status = await self._ask(spec)
        believed_s = self._settings.allow_s if status.get("allowed") else self._settings.deny_s
        self._answers[key] = (self._clock.now() + believed_s, status)
        self._answers.move_to_end(key)
        if len(self._answers) > ANSWERS_MAX:
            self._answers.popitem(last=False)
        return status

    async def _ask(self, spec: Obj) -> Obj:
        body: Obj = {
            "kind": "ImageReview", "apiVersion": "imagepolicy.k8s.io/v1alpha1",
            "metadata": {}, "spec": spec, "status": {"allowed": False},
        }  # fmt: skip
        for attempt in range(1, ATTEMPTS + 1):
            try:
                reply = await self._transport.request("POST", "", body=body)
            except (ConnectionLost, StatusError) as error:
                is_final = isinstance(error, StatusError) and error.code < 500 and error.code != 429
                if is_final or attempt == ATTEMPTS:
                    raise
                wait_s = self._settings.retry_s * RETRY_FACTOR ** (attempt - 1)
                await self._clock.sleep(self._random.jitter(wait_s, RETRY_JITTER))
            else:
                return walk(reply.obj, "status") or {}
        raise AssertionError("the last attempt answers or raises")


def spec_of(attributes: Attributes) -> Obj:
    """What is asked about: the images that come in, and the annotations that are meant for the service."""
    assert attributes.obj is not None, "pods are written with a body"
    spec: Obj = {"containers": [{"image": image} for image in _images(attributes)]}
    annotations = {
        key: value for key, value in annotations_of(attributes.obj).items() if ".image-policy.k8s.io/" in key
    }
    if annotations:
        spec["annotations"] = annotations
    return spec | {"namespace": attributes.namespace}


def _images(attributes: Attributes) -> Iterator[str]:
    assert attributes.obj is not None, "pods are written with a body"
    fields = ("ephemeralContainers",) if attributes.subresource else ("containers", "initContainers")
    for field in fields:
        for container in attributes.obj["spec"].get(field) or ():
            yield container.get("image", "")


def refusal(status: Obj) -> str:
    if reason := status.get("reason"):
        return f"image policy webhook backend denied one or more images: {reason}"
    return "one or more images rejected by webhook backend"
