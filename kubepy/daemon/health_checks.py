"""What a whole cluster's /livez, /readyz and /healthz look at: upstream's checks, under their names and in their order.

A post-start hook of upstream's is a step of the start here: it fails until `ApiServer.start` and `open` have done what
it stands for. Not there: what one build of kube-apiserver adds for its own storage back end.

Source: apiserver pkg/server/{config,healthz}.go, pkg/server/options/etcd.go; the AddPostStartHook of kube-apiserver,
apiextensions-apiserver and kube-aggregator.
"""

from __future__ import annotations

from collections.abc import Callable

from kubepy.observability.health import Checks

# Steps of a start.
BOOTSTRAPPED, ROLES, LIMITED, SERVED, AGGREGATED = "bootstrapped", "roles", "limited", "served", "aggregated"

# Upstream's hook -> the step that does its work.
_HOOKS = {
    "poststarthook/start-apiserver-admission-initializer": SERVED,
    "poststarthook/generic-apiserver-start-informers": SERVED,
    "poststarthook/priority-and-fairness-config-consumer": LIMITED,
    "poststarthook/priority-and-fairness-filter": LIMITED,
    "poststarthook/storage-object-count-tracker-hook": SERVED,
    "poststarthook/start-apiextensions-informers": SERVED,
    "poststarthook/start-apiextensions-controllers": SERVED,
    "poststarthook/crd-informer-synced": SERVED,
    "poststarthook/start-system-namespaces-controller": BOOTSTRAPPED,
    "poststarthook/start-cluster-authentication-info-controller": AGGREGATED,
    "poststarthook/start-kube-apiserver-identity-lease-controller": SERVED,
    "poststarthook/start-kube-apiserver-identity-lease-garbage-collector": SERVED,
    "poststarthook/storage-readiness": SERVED,
    "poststarthook/start-legacy-token-tracking-controller": BOOTSTRAPPED,
    "poststarthook/start-service-ip-repair-controllers": AGGREGATED,
    "poststarthook/rbac/bootstrap-roles": ROLES,
    "poststarthook/scheduling/bootstrap-system-priority-classes": BOOTSTRAPPED,
    "poststarthook/priority-and-fairness-config-producer": LIMITED,
    "poststarthook/bootstrap-controller": BOOTSTRAPPED,
    "poststarthook/start-kubernetes-service-cidr-controller": BOOTSTRAPPED,
    "poststarthook/start-kube-aggregator-informers": AGGREGATED,
    "poststarthook/apiservice-status-local-available-controller": AGGREGATED,
    "poststarthook/apiservice-status-remote-available-controller": AGGREGATED,
    "poststarthook/apiservice-registration-controller": AGGREGATED,
    "poststarthook/apiservice-wait-for-first-sync": AGGREGATED,
    "poststarthook/apiservice-discovery-controller": AGGREGATED,
    "poststarthook/kube-apiserver-autoregistration": AGGREGATED,
    "autoregister-completion": AGGREGATED,
    "poststarthook/apiservice-openapi-controller": AGGREGATED,
    "poststarthook/apiservice-openapiv3-controller": AGGREGATED,
}


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

    # Upstream's fails when its buffer is stuck; lines are not buffered here.
    checks.add("log", lambda: None)
    checks.add("etcd", store)
    checks.add("etcd-readiness", store, ("readyz",))
    reading = "components still read what is there"
    checks.add("informer-sync", lambda: None if is_started() else reading, ("readyz",))
    for name, step in _HOOKS.items():
        if is_limited or step is not LIMITED:
            checks.add_step(step, name)
    closing = "process is shutting down"
    checks.add("shutdown", lambda: closing if is_closing() else None, ("readyz",))
