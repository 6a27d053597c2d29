"""Kubelets' requests for client certificates are approved if the authorizer lets whoever asked have one.

Watches CertificateSigningRequests. Writes the condition Approved, by the subresource approval. What it does not
recognise, or the authorizer refuses, waits for a person (`kubectl certificate approve`).

Source: kubernetes 1.36 pkg/controller/certificates/approver/sarapprove.go.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

from kubepy.api import errors, objects
from kubepy.api.builtins import CERTIFICATE_SIGNING_REQUESTS, SUBJECT_ACCESS_REVIEWS
from kubepy.api.objects import Key, Obj
from kubepy.client.controller import Controller, key_of
from kubepy.controllers import certificate_requests
from kubepy.controllers.certificate_requests import KUBELET_CLIENT, Request


class Way(NamedTuple):
    """One way to be approved: may the requestor create certificatesigningrequests/`subresource`?"""

    subresource: str
    message: str


SELF = Way("selfnodeclient", "Auto approving self kubelet client certificate after SubjectAccessReview.")
ANY = Way("nodeclient", "Auto approving kubelet client certificate after SubjectAccessReview.")


class Plan(Struct, frozen=True):
    ways: tuple[Way, ...] = ()  # to be tried in this order


def plan(csr: Obj) -> Plan:
    """Raises certificate_requests.Unreadable."""
    status = csr.get("status") or {}
    if status.get("certificate") or certificate_requests.is_decided(csr):
        return Plan()
    spec = csr["spec"]
    request = certificate_requests.parse(csr)
    return Plan(ways(spec, request))


def ways(spec: Obj, request: Request) -> tuple[Way, ...]:
    if spec.get("signerName") != KUBELET_CLIENT:
        return ()
    if certificate_requests.fault(KUBELET_CLIENT, request, spec.get("usages") or ()):
        return ()
    return (SELF, ANY) if spec.get("username") == request.common_name else (ANY,)


class CertificateApprover(Controller):
    name = "certificatesigningrequest-approving-controller"
    workers = 5

    def setup(self) -> None:
        self.requests = self.watch(CERTIFICATE_SIGNING_REQUESTS, key_of)

    async def reconcile(self, key: Key) -> None:
        csr = self.requests.get(key)
        if csr is None:
            return None
        for way in plan(csr).ways:
            if await self._is_allowed(csr["spec"], way):
                return await self._approve(csr, way)
        return None

    async def _is_allowed(self, spec: Obj, way: Way) -> bool:
        asked: Obj = {
            "user": spec.get("username", ""),
            "resourceAttributes": {
                "group": "certificates.k8s.io",
                "resource": "certificatesigningrequests",
                "verb": "create",
                "subresource": way.subresource,
                "version": "*",
            },
        }
        asked |= {field: spec[field] for field in ("uid", "groups", "extra") if spec.get(field)}
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": asked}
        answer = await self.client.create(SUBJECT_ACCESS_REVIEWS, review)
        return bool(answer["status"].get("allowed"))

    async def _approve(self, csr: Obj, way: Way) -> None:
        approved = {"type": "Approved", "status": "True", "reason": "AutoApproved", "message": way.message}
        status = (csr.get("status") or {}) | {"conditions": [*objects.conditions(csr), approved]}
        try:
            await self.client.update(
                CERTIFICATE_SIGNING_REQUESTS, csr | {"status": status}, subresource="approval"
            )
        except errors.NotFound:
            return
        self.log.info("certificate_approved", object=csr["metadata"]["name"], way=way.subresource)
