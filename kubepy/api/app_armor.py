"""AppArmor profiles of containers: once annotations of the pod, now fields.

Source: kubernetes pkg/api/pod/util.go ApparmorFieldForAnnotation, pkg/registry/core/pod/strategy.go
applyAppArmorVersionSkew.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubepy.api.objects import Obj, annotations_of, walk
from kubepy.api.pod_security.containers import is_windows
from kubepy.api.pods import all_containers

PREFIX = "container.apparmor.security.beta.kubernetes.io/"
_LOCALHOST = "localhost/"
_NAME_LENGTH_MAX = 4095


def profile(annotation: str) -> Obj | None:
    """The field that an annotation stands for; None if it stands for none."""
    if annotation == "unconfined":
        return {"type": "Unconfined"}
    if annotation == "runtime/default":
        return {"type": "RuntimeDefault"}
    name = annotation.removeprefix(_LOCALHOST)
    if not annotation.startswith(_LOCALHOST) or not name or name != name.strip():
        return None
    if len(name.encode()) > _NAME_LENGTH_MAX:
        return None
    return {"type": "Localhost", "localhostProfile": name}


def follow_annotations(pod: Obj) -> Iterator[str]:
    """Give containers the fields that their annotations stand for, in place; what to warn of."""
    annotations = annotations_of(pod)
    if not any(key.startswith(PREFIX) for key in annotations) or is_windows(pod["spec"]):
        return
    of_pod = walk(pod, "spec", "securityContext", "appArmorProfile")
    for container in all_containers(pod["spec"]):
        key = PREFIX + container.get("name", "")
        if key not in annotations or walk(container, "securityContext", "appArmorProfile") is not None:
            continue
        wanted = profile(annotations[key])
        if wanted is not None:
            if wanted == of_pod:
                continue
            container["securityContext"] = {
                **(container.get("securityContext") or {}),
                "appArmorProfile": wanted,
            }
        yield f'metadata.annotations[{key}]: deprecated since v1.30; use the "appArmorProfile" field instead'
