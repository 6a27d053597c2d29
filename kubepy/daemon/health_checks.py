"""What a whole cluster's /livez, /readyz and /healthz look at: upstream's checks, under their names and in their order,
as far as they mean something here.

The steps of the start fail until `ApiServer.start` and `open` have finished them.

Source: apiserver pkg/server/{config,healthz}.go, pkg/server/options/etcd.go; the AddPostStartHook of kube-apiserver,
apiextensions-apiserver and kube-aggregator.
"""

from __future__ import annotations

from collections.abc import Callable

from kubepy.observability.health import Checks

_HOOK = "poststarthook/"
SERVED = (f"{_HOOK}start-apiextensions-controllers", f"{_HOOK}crd-informer-synced")
BOOTSTRAPPED = (
    f"{_HOOK}start-system-namespaces-controller",
    f"{_HOOK}start-legacy-token-tracking-controller",
    f"{_HOOK}scheduling/bootstrap-system-priority-classes",
    f"{_HOOK}bootstrap-controller",
    f"{_HOOK}start-kubernetes-service-cidr-controller",
)
ROLES = f"{_HOOK}rbac/bootstrap-roles"
LIMITED = (f"{_HOOK}priority-and-fairness-config-consumer", f"{_HOOK}priority-and-fairness-config-producer")
AGGREGATED = (
    f"{_HOOK}apiservice-registration-controller",
    f"{_HOOK}apiservice-discovery-controller",
    f"{_HOOK}kube-apiserver-autoregistration",
    "autoregister-completion",
)


def add(
    checks: Checks,
    *,
    is_writable: Callable[[], bool],
    is_started: Callable[[], bool],
    is_closing: Callable[[], bool],
    is_limited: bool,
) -> None:
    """`is_limited`: whether flow control is on."""

    def store() -> str | None:
        return None if is_writable() else "the store cannot write"

    checks.add("etcd", store)
    checks.add("etcd-readiness", store, ("readyz",))
    reading = "components still read what is there"
    checks.add("informer-sync", lambda: None if is_started() else reading, ("readyz",))
    checks.add_steps(*SERVED, *BOOTSTRAPPED, ROLES, *(LIMITED if is_limited else ()), *AGGREGATED)
    closing = "process is shutting down"
    checks.add("shutdown", lambda: closing if is_closing() else None, ("readyz",))
