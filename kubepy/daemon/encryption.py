"""--encryption-provider-config: which resources are encrypted at rest, by which keys.

An EncryptionConfiguration (apiserver.config.k8s.io/v1), read at start, and with
--encryption-provider-config-automatic-reload whenever it changes. To rotate: put the new key first, have it read, write
everything once (`kubectl get secrets -A -o json | kubectl replace -f -`), take the old key out.

Not there: kms providers.

Source: apiserver pkg/server/options/encryptionconfig/config.go, pkg/apis/apiserver/validation/validation_encryption.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from kubepy.api import errors
from kubepy.api.errors import FieldError
from kubepy.daemon.ciphers import AesCbc, AesGcm, SecretBox, decode_key
from kubepy.daemon.settings import ConfigError
from kubepy.lib import yaml
from kubepy.lib.random import Random
from kubepy.store.encrypted import TransformerOf
from kubepy.store.transformer import Identity, Row, Transformer

_API_VERSION, _KIND = "apiserver.config.k8s.io/v1", "EncryptionConfiguration"
_PROVIDERS = ("kms", "aesgcm", "aescbc", "secretbox", "identity")
_CIPHERS: dict[str, type[AesGcm] | type[AesCbc] | type[SecretBox]] = {
    "aesgcm": AesGcm,
    "aescbc": AesCbc,
    "secretbox": SecretBox,
}
_KEY_SIZES = {"aesgcm": (16, 24, 32), "aescbc": (16, 24, 32), "secretbox": (32,)}
_NO_KMS = "key management services are not there; use secretbox, aesgcm or aescbc"
# Fields of the types, for what is decoded strictly.
_RESOURCE_FIELDS = ("resources", "providers")
_WITHOUT_API = ("apiserveripinfo", "serviceipallocations", "servicenodeportallocations")


def load(path: str) -> TransformerOf:
    """Raises ConfigError; what is secret in the file is never part of its text."""
    where = f"encryption-provider-config {path}"
    try:
        data = yaml.load(Path(path).expanduser().read_bytes())
    except OSError as error:
        raise ConfigError(f"{where}: {error.strerror or error}") from None
    except yaml.Error as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{where}: not YAML{line}") from None
    if not isinstance(data, dict) or (data.get("apiVersion"), data.get("kind")) != (_API_VERSION, _KIND):
        raise ConfigError(f"{where}: must be a {_KIND} of {_API_VERSION}")
    if unknown := [name for name in data if name not in ("apiVersion", "kind", "resources")]:
        raise ConfigError(f'{where}: unknown field "{unknown[0]}"')
    try:
        found = list(validate(data.get("resources")))
    except (AttributeError, TypeError):
        raise ConfigError(f"{where}: is not of the form of an {_KIND}") from None
    if found:
        raise ConfigError(f"{where}: {errors.aggregate(found)}")
    try:
        return build(data["resources"])
    except ValueError as error:
        raise ConfigError(f"{where}: {error}") from None


# -- validation ------------------------------------------------------------------------------------------------


def validate(resources: Any) -> Iterator[FieldError]:
    if not resources:
        yield errors.required("resources", "at least one resources is required")
        return
    for i, entry in enumerate(resources):
        yield from _unknown(entry, _RESOURCE_FIELDS, f"resources[{i}]")
        names, path = entry.get("resources") or [], f"resources[{i}].resources"
        if not names:
            yield errors.required(path, f"at least one {path} is required")
        yield from _check_overlap(names, path)
        for j, name in enumerate(names):
            if why := _name_fault(name):
                yield errors.invalid_value(f"{path}[{j}]", name, why)
        providers, path = entry.get("providers") or [], f"resources[{i}].providers"
        if not providers:
            yield errors.required(path, f"at least one {path} is required")
        for j, provider in enumerate(providers):
            yield from _check_provider(provider, f"{path}[{j}]")


def _unknown(obj: Any, known: Iterable[str], path: str) -> Iterator[FieldError]:
    for name in obj:
        if name not in known:
            yield errors.forbidden_field(f"{path}.{name}", "unknown field")


def _check_overlap(names: list[str], path: str) -> Iterator[FieldError]:
    if len(set(names)) < len(names):
        yield errors.invalid_value(path, names, "the same resource cannot be specified multiple times")
    parsed = [parse(name) for name in dict.fromkeys(names)]
    groups_of_all = [group for resource, group in parsed if resource == "*"]
    if len(parsed) > 1 and (
        ("*", "*") in parsed
        or any(sum(1 for _, other in parsed if other == group) > 1 for group in groups_of_all)
    ):
        why = (
            "using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they "
            "will be masked"
        )
        yield errors.invalid_value(path, names, why)


def _name_fault(name: str) -> str:
    resource, group = parse(name)
    if name != name.lower():
        return "resource name should not contain capital letters"
    if name == "*":
        return "use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources"
    if name in _WITHOUT_API:
        return "resources which do not have REST API/s cannot be encrypted"
    if group == "events.k8s.io":
        return (
            "'*.events.k8s.io' objects are stored using the 'events' API group in etcd. Use 'events' instead in the "
            "config file"
        )
    if group == "extensions":
        return "'extensions' group has been removed and cannot be used for encryption"
    if group == "*" and resource != "*":
        return "encrypting the same resource across groups is not supported"
    return ""


def _check_provider(provider: Any, path: str) -> Iterator[FieldError]:
    yield from _unknown(provider, _PROVIDERS, path)
    given = [name for name in _PROVIDERS if provider.get(name) is not None]
    if len(given) != 1:
        why = (
            "more than one provider specified in a single element, should split into different list elements"
        )
        if not given:
            why = "provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity"
        yield errors.invalid_value(path, errors.OMITTED, why)
        return
    kind = given[0]
    if kind == "kms":
        yield errors.invalid_value(f"{path}.kms", errors.OMITTED, _NO_KMS)
        return
    if kind == "identity":
        return
    keys = provider[kind].get("keys") or []
    if not keys:
        yield errors.required(f"{path}.{kind}.keys", "at least one keys is required")
    for i, key in enumerate(keys):
        yield from _check_key(key, f"{path}.{kind}.keys[{i}]", _KEY_SIZES[kind])


def _check_key(key: Any, path: str, sizes: tuple[int, ...]) -> Iterator[FieldError]:
    if not key.get("name"):
        yield errors.required(f"{path}.name", "name is a mandatory field for a key")
    secret = key.get("secret")
    if not secret:
        yield errors.required(f"{path}.secret", "secret is a mandatory field for a key")
        return
    try:
        length = len(decode_key(secret))
    except ValueError:
        yield errors.invalid_value(f"{path}.secret", "REDACTED", "secrets must be base64 encoded")
        return
    if length not in sizes:
        expected = f"[{' '.join(map(str, sizes))}]"
        why = f"secret is not of the expected length, got {length}, expected one of {expected}"
        yield errors.invalid_value(f"{path}.secret", "REDACTED", why)


def parse(name: str) -> tuple[str, str]:
    """(resource, group) of "secrets", "*.", "deployments.apps". Source: schema.ParseGroupResource."""
    resource, _, group = name.partition(".")
    return resource, group


# -- transformers ----------------------------------------------------------------------------------------------


def build(resources: list[Any]) -> TransformerOf:
    """Of a configuration that is valid. Raises ValueError where an earlier entry leaves nothing to a later one."""
    rows: dict[tuple[str, str], list[Row]] = {}
    for entry in resources:
        here = [row for provider in entry["providers"] for row in _rows(provider)]
        for name in entry["resources"]:
            resource, group = parse(name)
            for mask in (("*", group), ("*", "*")):
                if mask in rows:
                    raise ValueError(
                        f'resource "{_text(resource, group)}" is masked by earlier rule "{_text(*mask)}"'
                    )
            rows.setdefault((resource, group), []).extend(here)
    transformers = {key: Transformer(here) for key, here in rows.items()}

    def transformer_of(group_resource: str) -> Transformer | None:
        resource, group = parse(group_resource)
        for key in ((resource, group), ("*", group), ("*", "*")):
            if key in transformers:
                return transformers[key]
        return None

    return transformer_of


def _text(resource: str, group: str) -> str:
    """Source: config.go grYAMLString."""
    return f"{resource}.{group}" if group or resource == "*" else resource


def _rows(provider: Any) -> Iterator[Row]:
    if provider.get("identity") is not None:
        yield Row(b"", Identity())
        return
    for kind, cipher in _CIPHERS.items():
        for key in (provider.get(kind) or {}).get("keys") or ():
            prefix = f"k8s:enc:{kind}:v1:{key['name']}:".encode()
            # Never seeded: what is drawn here keeps secrets.
            yield Row(prefix, cipher(decode_key(key["secret"]), Random().token))
