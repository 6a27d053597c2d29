"""Certificate requests do not pile up: what was decided goes after an hour, what nobody decided after a day.

Watches CertificateSigningRequests, PodCertificateRequests. Writes: deletes them. Upstream looks at all of them every
hour (five minutes for PodCertificateRequests); here each is due at its own moment.

Source: kubernetes 1.36 pkg/controller/certificates/cleaner/{cleaner,pcrcleaner}.go.
"""

from __future__ import annotations

from kubepy.api import errors, objects
from kubepy.api.builtins import CERTIFICATE_SIGNING_REQUESTS, POD_CERTIFICATE_REQUESTS
from kubepy.api.objects import Key, Obj
from kubepy.client.controller import After, Controller, key_of
from kubepy.controllers import certificate_requests
from kubepy.lib.clock import parse_rfc3339

# After: an approval that led to a certificate, a denial or failure; a request that waits for either.
DECIDED_S, PENDING_S = 3600.0, 24 * 3600.0
POD_REQUEST_S = 15 * 60.0


def end_of(csr: Obj) -> float | None:
    """When it is to go; None if its conditions say no time."""
    conditions = objects.conditions(csr)
    is_issued = bool((csr.get("status") or {}).get("certificate"))
    if not conditions:
        return parse_rfc3339(csr["metadata"]["creationTimestamp"]) + PENDING_S
    ends = []
    for condition in conditions:
        type_, at = condition["type"], condition.get("lastUpdateTime")
        if at:
            is_over = type_ in ("Denied", "Failed") or (type_ == "Approved" and is_issued)
            if is_over or type_ == "Approved":
                ends.append(parse_rfc3339(at) + (DECIDED_S if is_over else PENDING_S))
        if type_ == "Approved" and is_issued and (end := certificate_requests.not_after(csr)) is not None:
            ends.append(end)
    return min(ends, default=None)


class CertificateCleaner(Controller):
    name = "certificatesigningrequest-cleaner-controller"

    def setup(self) -> None:
        self.requests = self.watch(CERTIFICATE_SIGNING_REQUESTS, key_of)

    async def reconcile(self, key: Key) -> After | None:
        csr = self.requests.get(key)
        end = end_of(csr) if csr is not None else None
        if csr is None or end is None:
            return None
        # Past the deadline, not at it: the times are whole seconds.
        if self.clock.now() <= end:
            return After(end - self.clock.now() + 1)
        try:
            await self.client.delete(CERTIFICATE_SIGNING_REQUESTS, key.name, uid=objects.uid_of(csr))
        except (errors.NotFound, errors.Conflict):
            return None
        self.log.info("certificate_request_cleaned", object=key.name)
        return None


class PodCertificateCleaner(Controller):
    name = "podcertificaterequest-cleaner-controller"

    def setup(self) -> None:
        self.requests = self.watch(POD_CERTIFICATE_REQUESTS, key_of)

    async def reconcile(self, key: Key) -> After | None:
        request = self.requests.get(key)
        if request is None:
            return None
        left_s = parse_rfc3339(request["metadata"]["creationTimestamp"]) + POD_REQUEST_S - self.clock.now()
        if left_s > 0:
            return After(left_s)
        try:
            await self.client.delete(
                POD_CERTIFICATE_REQUESTS, key.name, key.namespace, uid=objects.uid_of(request)
            )
        except (errors.NotFound, errors.Conflict):
            return None
        return None
