"""Every pod runs as a ServiceAccount, and finds its token, the cluster's CA and its namespace in a volume.

Source: kubernetes plugin/pkg/admission/serviceaccount/admission.go.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubepy.api.builtins import PODS, SERVICE_ACCOUNTS
from kubepy.api.errors import quote
from kubepy.api.names import path_segment
from kubepy.api.objects import Obj, annotations_of
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import CREATE, Attributes, Plugin, forbidden
from kubepy.apiserver.admission.node_rules import refers_to_secrets

DEFAULT = "default"
VOLUME = "kube-api-access-"
MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
MIRROR = "kubernetes.io/config.mirror"
ENFORCE_SECRETS = "kubernetes.io/enforce-mountable-secrets"
# One hour and seven seconds, so that tokens made before expiry was enforced can be told apart.
# Source: pkg/serviceaccount/claims.go WarnOnlyBoundTokenExpirationSeconds.
TOKEN_S = 3607
# The controller creates the default account a moment after its namespace.
_DEFAULT_ATTEMPTS = 10


class ServiceAccount(Plugin):
    name = "ServiceAccount"
    mutates = True
    validates = True

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        return operation == CREATE and resource == PODS and not subresource

    async def admit(self, attributes: Attributes) -> None:
        pod = attributes.obj
        assert pod is not None
        if MIRROR in annotations_of(pod):
            # Refused before others look.
            await self.validate(attributes)
            return
        spec = pod["spec"]
        if not spec.get("serviceAccountName"):
            spec["serviceAccountName"] = DEFAULT
            # The older spelling of the same field goes along.
            spec["serviceAccount"] = DEFAULT
        account = await self._account(attributes, spec["serviceAccountName"])
        if should_automount(account, spec):
            mount_token(spec, VOLUME + self.random.suffix())
        if not spec.get("imagePullSecrets") and account.get("imagePullSecrets"):
            spec["imagePullSecrets"] = [{"name": ref.get("name", "")} for ref in account["imagePullSecrets"]]

    async def validate(self, attributes: Attributes) -> None:
        pod = attributes.obj
        assert pod is not None
        spec = pod["spec"]
        if MIRROR in annotations_of(pod):
            if why := mirror_pod_refusal(spec):
                raise forbidden(attributes, why)
            return
        name = spec.get("serviceAccountName")
        if not name:
            where = f"{attributes.namespace}/{pod['metadata'].get('name', '')}"
            raise forbidden(attributes, f"no service account specified for pod {where}")
        account = await self._account(attributes, name)
        if annotations_of(account).get(ENFORCE_SECRETS) in ("1", "t", "T", "TRUE", "true", "True"):
            if why := secret_refusal(account, spec):
                raise forbidden(attributes, why)

    async def _account(self, attributes: Attributes, name: str) -> Obj:
        """The ServiceAccount; waits a moment for the default one, as upstream does."""
        namespace = attributes.namespace
        if faults := path_segment(name):
            why = f"invalid resource name {quote(name)}: [{' '.join(faults)}]"
            raise forbidden(attributes, f"error looking up service account {namespace}/{name}: {why}")
        for attempt in range(_DEFAULT_ATTEMPTS if name == DEFAULT else 1):
            if attempt:
                await self.clock.sleep(self.random.jitter(0.1, 1.0))
            if (found := await self.lookup.find(SERVICE_ACCOUNTS, namespace, name)) is not None:
                return found.obj
        raise forbidden(
            attributes,
            f'error looking up service account {namespace}/{name}: serviceaccount "{name}" not found',
        )


def should_automount(account: Obj, spec: Obj) -> bool:
    """The pod's wish wins over the account's; the default is yes."""
    for wish in (spec.get("automountServiceAccountToken"), account.get("automountServiceAccountToken")):
        if wish is not None:
            return bool(wish)
    return True


def mount_token(spec: Obj, volume_name: str) -> None:
    """Mount the token volume in every container that has nothing at its place yet."""
    existing = next(
        (v["name"] for v in spec.get("volumes") or () if v.get("name", "").startswith(VOLUME)), None
    )
    name = existing or volume_name
    is_needed = False
    for container in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
        mounts = container.get("volumeMounts") or []
        if any(mount.get("mountPath") == MOUNT_PATH for mount in mounts):
            continue
        container["volumeMounts"] = [*mounts, {"name": name, "readOnly": True, "mountPath": MOUNT_PATH}]
        is_needed = True
    if is_needed and existing is None:
        spec["volumes"] = [*(spec.get("volumes") or ()), {"name": name, "projected": _token_source()}]


def _token_source() -> Obj:
    return {
        "defaultMode": 0o644,
        "sources": [
            {"serviceAccountToken": {"path": "token", "expirationSeconds": TOKEN_S}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {
                "downwardAPI": {
                    "items": [
                        {
                            "path": "namespace",
                            "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"},
                        }
                    ]
                }
            },
        ],
    }


def mirror_pod_refusal(spec: Obj) -> str:
    if spec.get("serviceAccountName"):
        return "a mirror pod may not reference service accounts"
    volumes = spec.get("volumes") or ()
    if refers_to_secrets(spec):
        return "a mirror pod may not reference secrets"
    sources = [source for v in volumes for source in (v.get("projected") or {}).get("sources") or ()]
    if any("serviceAccountToken" in source for source in sources):
        return "a mirror pod may not use ServiceAccountToken volume projections"
    return ""


def _secret_names(spec: Obj) -> Iterator[tuple[str, str, str]]:
    """(where in words, how it refers, secret) for each container environment that reads a Secret."""
    for prefix, field in (("init container", "initContainers"), ("container", "containers")):
        for container in spec.get(field) or ():
            where = f"{prefix} {container.get('name', '')}"
            for env in container.get("env") or ():
                if ref := (env.get("valueFrom") or {}).get("secretKeyRef"):
                    yield where, f"envVar {env.get('name', '')}", ref.get("name", "")
            for env in container.get("envFrom") or ():
                if ref := env.get("secretRef"):
                    yield where, "envFrom", ref.get("name", "")


def secret_refusal(account: Obj, spec: Obj) -> str:
    """Why the pod may not use its Secrets under an account that restricts them, "" if it may."""
    owner = account["metadata"]["name"]
    suffix = f"is not allowed because service account {owner} does not reference that"
    mountable = {ref.get("name") for ref in account.get("secrets") or ()}
    for volume in spec.get("volumes") or ():
        if "secret" in volume and (name := volume["secret"].get("secretName")) not in mountable:
            return f'volume with secret.secretName="{name}" {suffix} secret'
    for where, how, name in _secret_names(spec):
        if name not in mountable:
            return f'{where} with {how} referencing secret.secretName="{name}" {suffix} secret'
    pullable = {ref.get("name") for ref in account.get("imagePullSecrets") or ()}
    for index, ref in enumerate(spec.get("imagePullSecrets") or ()):
        if ref.get("name") not in pullable:
            return f'imagePullSecrets[{index}].name="{ref.get("name")}" {suffix} imagePullSecret'
    return ""
