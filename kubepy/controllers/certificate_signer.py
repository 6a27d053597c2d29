"""Approved requests to Kubernetes' own signers get their certificate, signed by the cluster's CA.

Watches CertificateSigningRequests. Writes status.certificate; or, where the request breaks its signer's rules, the
condition Failed. Each of the four signers (kube-apiserver-client, kube-apiserver-client-kubelet, kubelet-serving,
legacy-unknown) has its CA, or one has them all; what is for a signer without is left alone.

Source: kubernetes 1.36 pkg/controller/certificates/signer/signer.go.
"""

from __future__ import annotations

import base64
from collections.abc import Container, Mapping

from msgspec import Struct

from kubepy.api import errors, objects
from kubepy.api.builtins import CERTIFICATE_SIGNING_REQUESTS
from kubepy.api.objects import Key, Obj
from kubepy.client.controller import Controller, ControllerContext, key_of
from kubepy.controllers import certificate_requests
from kubepy.controllers.certificate_requests import Authority


class Plan(Struct, frozen=True):
    sign: bool = False
    failure: str = ""  # message of the condition Failed


def plan(csr: Obj, signers: Container[str] = certificate_requests.SIGNERS) -> Plan:
    """Raises certificate_requests.Unreadable."""
    if (
        csr["spec"].get("signerName") not in signers
        or (csr.get("status") or {}).get("certificate")
        or not certificate_requests.is_approved(csr)
        or objects.is_condition_true(csr, "Failed")
    ):
        return Plan()
    spec = csr["spec"]
    fault = certificate_requests.fault(
        spec["signerName"], certificate_requests.parse(csr), spec.get("usages") or ()
    )
    return Plan(failure=fault) if fault else Plan(sign=True)


class CertificateSigner(Controller):
    name = "certificatesigningrequest-signing-controller"
    workers = 5

    def __init__(self, context: ControllerContext, *, authorities: Mapping[str, Authority]) -> None:
        super().__init__(context)
        self._authorities = authorities

    def setup(self) -> None:
        self.requests = self.watch(CERTIFICATE_SIGNING_REQUESTS, key_of)

    async def reconcile(self, key: Key) -> None:
        csr = self.requests.get(key)
        decided = plan(csr, self._authorities) if csr is not None else Plan()
        if csr is None or decided == Plan():
            return
        status = dict(csr.get("status") or {})
        if decided.failure:
            failed = {
                "type": "Failed",
                "status": "True",
                "reason": "SignerValidationFailure",
                "message": decided.failure,
                "lastUpdateTime": self.clock.rfc3339(),
            }
            status["conditions"] = [*objects.conditions(csr), failed]
        else:
            authority = self._authorities[csr["spec"]["signerName"]]
            pem = certificate_requests.sign(csr, authority, now=self.clock.now(), random=self.random)
            status["certificate"] = base64.b64encode(pem).decode()
        try:
            await self.client.update(
                CERTIFICATE_SIGNING_REQUESTS, csr | {"status": status}, subresource="status"
            )
        except errors.NotFound:
            return
        self.log.info("certificate_signed" if decided.sign else "certificate_refused", object=key.name)
