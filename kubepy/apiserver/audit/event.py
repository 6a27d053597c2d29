"""audit.k8s.io/v1 Event: what is written of one request at one of its stages.

Bodies are encoded the moment they are seen, for handlers change them afterwards. Keys come in Go's order.

Source: apiserver pkg/apis/audit/v1/types.go, pkg/audit/{request,context,format}.go.
"""

from __future__ import annotations

import ipaddress
from typing import Any

import orjson

from kubepy.api.errors import StatusError, quote
from kubepy.api.objects import Obj
from kubepy.apiserver.audit.policy import Recording
from kubepy.apiserver.request import Request, Response, User, Verbatim
from kubepy.lib.clock import Clock, rfc3339_micro

USER_AGENT_MAX = 1024
_TRUNCATED = "...TRUNCATED"
CONSTRAINT = "impersonation-constraint"
# Annotations that repeat what is in bodies. Source: AddAuditAnnotationWithLevel, mutating/dispatcher.go.
_OF_BODIES = "patch.webhook.admission.k8s.io/"


class Record:
    """One request's event as it grows. `stage` gives what is to be written."""

    def __init__(self, request: Request, recording: Recording, clock: Clock) -> None:
        self.recording = recording
        self._request, self._clock = request, clock
        self._received = rfc3339_micro(clock.now())
        self._user = request.user
        self._request_object: orjson.Fragment | None = None
        self._response_object: orjson.Fragment | None = None
        self._status: Obj | None = None
        info = request.info
        self._ref: Obj = {}
        if info.is_resource:
            self._ref = {
                "resource": info.resource, "namespace": info.namespace, "name": info.name, "apiGroup": info.group,
                "apiVersion": info.version, "subresource": info.subresource,
            }  # fmt: skip

    # -- what becomes known ------------------------------------------------------------------------------------

    def body(self, body: Any) -> None:
        """What the client sent: an object, decoded and defaulted, or a patch. Source: LogRequestObject."""
        metadata = body.get("metadata") if isinstance(body, dict) else None
        if isinstance(metadata, dict) and self._request.method != "PATCH":
            for name in ("namespace", "name", "uid", "resourceVersion"):
                if not self._ref.get(name) and metadata.get(name):
                    self._ref[name] = metadata[name]
        if self.recording.has_request:
            self._request_object = self._fragment(body)

    def answered(self, response: Response) -> None:
        """Source: LogResponseObject, processCode."""
        if self._status is None:
            self._status = {"metadata": {}}
        status = response.obj if response.obj is not None and response.obj.get("kind") == "Status" else None
        if status is not None:
            self._copy(status)
        elif response.body is not None and response.body.startswith(b'{"kind":"Status"'):
            self._copy(orjson.loads(response.body))
        self._status["code"] = response.status
        if self.recording.has_response:
            self._response_object = self._answer(response)

    def failed(self, error: StatusError) -> None:
        self._status = {"metadata": {}}
        status = error.status()
        self._copy(status)
        if self.recording.has_response:
            self._response_object = self._fragment(status)

    def ended(self, status: str, message: str, code: int, reason: str = "") -> None:
        """By something else than an answer."""
        self._status = {"metadata": {}, "status": status, "message": message}
        if reason:
            self._status["reason"] = reason
        self._status["code"] = code

    def _copy(self, status: Obj) -> None:
        assert self._status is not None
        for name in ("status", "message", "reason", "details", "code"):
            if status.get(name) or (name == "details" and status.get(name) is not None):
                self._status[name] = status[name]

    def _answer(self, response: Response) -> orjson.Fragment | None:
        if response.document is not None:
            return self._fragment(response.document.obj)
        if response.obj is not None:
            return self._fragment(response.obj)
        if response.page is not None:
            items = [document.obj for document in response.page.documents]
            return self._fragment({"kind": "List", "apiVersion": "v1", "items": items})
        body = (response.body or b"").rstrip()
        if not body.startswith(b"{") or isinstance(response, Verbatim):
            return None
        return (
            self._fragment(orjson.loads(body))
            if self.recording.omits_managed_fields
            else orjson.Fragment(body)
        )

    def _fragment(self, obj: Any) -> orjson.Fragment:
        return orjson.Fragment(orjson.dumps(_unmanaged(obj) if self.recording.omits_managed_fields else obj))

    # -- what is written ---------------------------------------------------------------------------------------

    def stage(self, stage: str) -> Obj:
        request, user = self._request, self._request.user
        event: Obj = {
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": self.recording.level,
            "auditID": request.request_id, "stage": stage, "requestURI": request.target, "verb": request.info.verb,
            "user": _user(self._user),
        }  # fmt: skip
        if self._user is not None and user is not self._user:
            event["impersonatedUser"] = _user(user)
            if constraint := request.audit.get(CONSTRAINT):
                event["authenticationMetadata"] = {"impersonationConstraint": constraint}
        if sources := _sources(request):
            event["sourceIPs"] = sources
        if agent := request.user_agent:
            event["userAgent"] = (
                agent if len(agent) <= USER_AGENT_MAX else agent[:USER_AGENT_MAX] + _TRUNCATED
            )
        if self._ref:
            event["objectRef"] = {name: self._ref[name] for name in _REF if self._ref.get(name)}
        if self._status is not None:
            event["responseStatus"] = self._status
        if self._request_object is not None:
            event["requestObject"] = self._request_object
        if self._response_object is not None:
            event["responseObject"] = self._response_object
        event["requestReceivedTimestamp"] = self._received
        event["stageTimestamp"] = rfc3339_micro(self._clock.now())
        # Those of filters and plugins that are meant for here have a domain.
        annotations = {
            name: value
            for name, value in sorted(request.audit.items())
            if "/" in name and (self.recording.has_request or not name.startswith(_OF_BODIES))
        }
        if annotations:
            event["annotations"] = annotations
        return event


_REF = ("resource", "namespace", "name", "uid", "apiGroup", "apiVersion", "resourceVersion", "subresource")


def _user(user: User | None) -> Obj:
    if user is None:
        return {}
    obj: Obj = {"username": user.name}
    if user.uid:
        obj["uid"] = user.uid
    if user.groups:
        obj["groups"] = list(user.groups)
    if user.extra:
        obj["extra"] = {name: user.extra[name] for name in sorted(user.extra)}
    return obj


def _sources(request: Request) -> list[str]:
    """The addresses the request came by, the client's own first.

    Source: apimachinery pkg/util/net/http.go SourceIPs.
    """
    found = []
    for text in (*request.header("X-Forwarded-For").split(","), request.header("X-Real-Ip"), request.remote):
        try:
            address = str(ipaddress.ip_address(text.strip()))
        except ValueError:
            continue
        if address not in found:
            found.append(address)
    return found


def _unmanaged(obj: Any) -> Any:
    """Without managedFields, of an object or of the items of a list."""
    if not isinstance(obj, dict):
        return obj
    if isinstance(items := obj.get("items"), list):
        obj = {**obj, "items": [_unmanaged(item) for item in items]}
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict) or "managedFields" not in metadata:
        return obj
    return {**obj, "metadata": {name: value for name, value in metadata.items() if name != "managedFields"}}


def legacy(event: Obj) -> bytes:
    """One line of --audit-log-format=legacy. Source: format.go EventString."""
    user, other = event["user"], event.get("impersonatedUser")
    groups = _quoted(user.get("groups")) if user.get("username") else ""
    others = (
        _quoted(other.get("groups")) if other is not None and other.get("groups") is not None else "<lookup>"
    )
    status = event.get("responseStatus")
    fields = {
        "id": event["auditID"],
        "stage": event["stage"],
        "ip": (event.get("sourceIPs") or ["<unknown>"])[0],
        "method": event["verb"],
        "user": user.get("username") or "<none>",
        "groups": groups or "<none>",
        "as": other["username"] if other is not None else "<self>",
        "asgroups": others,
        "user-agent": event.get("userAgent", ""),
        "namespace": (event.get("objectRef") or {}).get("namespace") or "<none>",
        "uri": event["requestURI"],
    }
    text = " ".join(f"{name}={quote(value)}" for name, value in fields.items())
    code = status["code"] if status is not None else "<deferred>"
    return f'{event["requestReceivedTimestamp"]} AUDIT: {text} response="{code}"\n'.encode()


def _quoted(names: list[str] | None) -> str:
    return ",".join(map(quote, names or ()))
