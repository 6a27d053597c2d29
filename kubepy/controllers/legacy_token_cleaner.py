"""Auto-generated token Secrets that nobody used for a year are first marked invalid, and a year later deleted.

Once a day. Watches token Secrets, ServiceAccounts, Pods. Writes the label kubernetes.io/legacy-token-invalid-since;
deletes Secrets. "Auto-generated" is a Secret that its ServiceAccount names in `secrets`; what a person made stays.
The API server writes since when it tracks use into the ConfigMap kube-apiserver-legacy-service-account-token-tracking.

Source: kubernetes 1.36 pkg/controller/serviceaccount/legacy_serviceaccount_token_cleaner.go.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime

from msgspec import Struct

from kubepy.api import errors, objects
from kubepy.api.builtins import CONFIG_MAPS, PODS, SECRETS, SERVICE_ACCOUNTS
from kubepy.api.objects import Key, Obj
from kubepy.client.client import MERGE_PATCH
from kubepy.client.controller import After, Controller
from kubepy.controllers.service_account_tokens import ACCOUNT_UID, TYPE, account_key
from kubepy.lib.clock import parse_rfc3339

INVALID_SINCE, LAST_USED = "kubernetes.io/legacy-token-invalid-since", "kubernetes.io/legacy-token-last-used"
TRACKING = Key("kube-system", "kube-apiserver-legacy-service-account-token-tracking")

DAY_S = 86400.0
EVERY_S = DAY_S
# Source: --legacy-service-account-token-clean-up-period.
UNUSED_S = 365 * DAY_S

_ALL = Key("", "all")


class Plan(Struct, frozen=True):
    mark: str = ""  # the day it is invalid since
    delete: bool = False


def plan(secret: Obj, account: Obj | None, mounted: Collection[str], now: float) -> Plan:
    """`account`: of the annotated name; `mounted`: names of the Secrets that pods of its namespace use."""
    metadata, labels = secret["metadata"], objects.labels_of(secret)
    oldest, today = day(now - UNUSED_S), day(now)
    if metadata.get("deletionTimestamp") or parse_rfc3339(metadata["creationTimestamp"]) >= now - UNUSED_S:
        return Plan()
    last_used = labels.get(LAST_USED)
    if last_used is not None and (not is_day(last_used) or last_used >= oldest):
        return Plan()
    uid = objects.annotations_of(secret).get(ACCOUNT_UID)
    if account is None or (uid and uid != objects.uid_of(account)):
        return Plan()
    name = metadata["name"]
    if not any(ref.get("name") == name for ref in account.get("secrets") or ()) or name in mounted:
        return Plan()
    invalid_since = labels.get(INVALID_SINCE, "")
    if not is_day(invalid_since):
        return Plan(mark=today)
    return Plan(delete=invalid_since < oldest)


def day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def secrets_of(pod: Obj) -> set[str]:
    """Every Secret it names. Source: pkg/api/v1/pod VisitPodSecretNames."""
    spec = pod.get("spec") or {}
    found = [ref.get("name") for ref in spec.get("imagePullSecrets") or ()]
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        for container in spec.get(kind) or ():
            found += [objects.walk(source, "secretRef", "name") for source in container.get("envFrom") or ()]
            found += [
                objects.walk(variable, "valueFrom", "secretKeyRef", "name")
                for variable in container.get("env") or ()
            ]
    for volume in spec.get("volumes") or ():
        found += [
            objects.walk(source, "secret", "name")
            for source in objects.walk(volume, "projected", "sources") or ()
        ]
        # Of every kind of volume, that of the kind `secret` among them.
        for source in volume.values():
            if isinstance(source, dict):
                reference = source.get("secretRef") or source.get("nodePublishSecretRef")
                found.append((reference or {}).get("name") or source.get("secretName"))
    return {name for name in found if name}


class LegacyTokenCleaner(Controller):
    name = "legacy-serviceaccount-token-cleaner-controller"

    def setup(self) -> None:
        self.secrets = self.watch(SECRETS, field_selector=f"type={TYPE}")
        self.accounts = self.watch(SERVICE_ACCOUNTS)
        self.pods = self.watch(PODS)
        self.queue.add(_ALL)

    async def reconcile(self, key: Key) -> After | None:
        now = self.clock.now()
        since = await self._tracked_since()
        if since is not None and now >= since + UNUSED_S:
            mounted: dict[str, set[str]] = {}
            for secret in self.secrets.list():
                await self._look_at(secret, mounted, now)
        return After(EVERY_S)

    async def _tracked_since(self) -> float | None:
        """The midnight after the day that tracking began."""
        try:
            tracking = await self.client.get(CONFIG_MAPS, TRACKING.name, TRACKING.namespace)
        except errors.NotFound:
            return None
        since = (tracking.get("data") or {}).get("since", "")
        return parse_rfc3339(f"{since}T00:00:00Z") + DAY_S if is_day(since) else None

    async def _look_at(self, secret: Obj, mounted: dict[str, set[str]], now: float) -> None:
        key, account = objects.key_of(secret), account_key(secret)
        if account is None:
            return
        if key.namespace not in mounted:
            found = (secrets_of(pod) for pod in self.pods.list(key.namespace))
            mounted[key.namespace] = set().union(*found)
        decided = plan(secret, self.accounts.get(account), mounted[key.namespace], now)
        try:
            if decided.mark:
                metadata = {"uid": objects.uid_of(secret), "labels": {INVALID_SINCE: decided.mark}}
                await self.client.patch(
                    SECRETS,
                    key.name,
                    {"metadata": metadata},
                    namespace=key.namespace,
                    content_type=MERGE_PATCH,
                )
                self.log.info("service_account_token_invalidated", object=str(key))
            elif decided.delete:
                revision = secret["metadata"]["resourceVersion"]
                await self.client.delete(SECRETS, key.name, key.namespace, resource_version=revision)
                self.log.info("service_account_token_deleted", object=str(key))
        except (errors.Conflict, errors.NotFound):
            return
