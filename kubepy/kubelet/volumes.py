"""What a pod's volumes wait for: claims that are bound and attached, ConfigMaps and Secrets that exist.

Nothing is mounted, the nodes are simulated. A pod stays in ContainerCreating while one of its volumes could not be
mounted on a real node, with a kubelet's events; `VolumeManager.wait_s` is asked before its containers start.

    MountVolume.SetUp failed for volume "config" : configmap "web" not found
    Unable to attach or mount volumes: unmounted volumes=[data] ...: error processing PVC default/data: PVC is not bound

Differs: what a pod waits for wakes it when it comes, where a kubelet would only see it at its next try.

Source: kubernetes 1.36 pkg/kubelet/volumemanager/populator/desired_state_of_world_populator.go (createVolumeSpec),
pkg/volume/{configmap,secret,projected}/*.go, pkg/volume/util/operationexecutor/operation_generator.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import Struct, field

from kubepy.api import objects, volumes
from kubepy.api.builtins import (
    CONFIG_MAPS,
    CSI_DRIVERS,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    SECRETS,
    VOLUME_ATTACHMENTS,
)
from kubepy.api.objects import Document, Key, Obj, walk
from kubepy.api.resources import Resource
from kubepy.client.controller import Controller
from kubepy.client.events import WARNING, Recorder
from kubepy.client.informer import Informer
from kubepy.lib.backoff import Exponential

# Source: pkg/util/goroutinemap/exponentialbackoff/exponential_backoff.go.
SETUP_RETRY_S, SETUP_RETRY_S_MAX = 0.5, 122.0
# Source: pkg/kubelet/pod_workers.go, backOffPeriod; up to half as much again.
SYNC_RETRY_S = 10.0

_WATCHED = (
    CONFIG_MAPS, SECRETS, PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, CSI_DRIVERS, VOLUME_ATTACHMENTS,
)  # fmt: skip

# The first look at a pod's volumes. Source: volume_manager.go, desiredStateOfWorldPopulatorLoopSleepPeriod.
FIRST_LOOK_S = 0.1

Look = Callable[[Resource, Key], Obj | None]


class Problem(Struct, frozen=True):
    """Why a volume of a pod is not there yet."""

    volume: str
    message: str
    is_setup: bool = False  # found at mounting, not before


def is_due(pod: Obj) -> bool:
    """Whether it is at the point where its volumes are mounted: taken up, and no container begun."""
    status = pod.get("status") or {}
    return (
        status.get("phase") == "Pending"
        and bool(status.get("startTime"))
        and not status.get("podIP")
        and not objects.is_deleting(pod)
    )


def problems(pod: Obj, look: Look) -> list[Problem]:
    used = _mounted(pod["spec"])
    return [
        problem
        for volume in pod["spec"].get("volumes") or ()
        if volume["name"] in used
        for problem in _problems(pod, volume, look)
    ]


def _mounted(spec: Obj) -> set[str]:
    """Volumes that no container mounts are not mounted at all."""
    return {
        mount["name"]
        for container in (*(spec.get("initContainers") or ()), *spec["containers"])
        for mount in (*(container.get("volumeMounts") or ()), *(container.get("volumeDevices") or ()))
    }


def _problems(pod: Obj, volume: Obj, look: Look) -> Iterator[Problem]:
    name, namespace = volume["name"], pod["metadata"]["namespace"]
    if claim := volumes.claim_name(pod, volume):
        is_ephemeral = "ephemeral" in volume
        if why := _claim_problem(pod, Key(namespace, claim), look, is_ephemeral=is_ephemeral):
            yield Problem(name, why)
        elif not _is_attached(Key(namespace, claim), pod["spec"].get("nodeName", ""), look):
            yield Problem(name, SILENT, is_setup=True)
        return
    whys = [why for source in _sources(volume) if (why := _source_problem(source, namespace, look))]
    if whys:
        # Source: utilerrors.NewAggregate.
        text = whys[0] if len(whys) == 1 else f"[{', '.join(whys)}]"
        yield Problem(name, f'MountVolume.SetUp failed for volume "{name}" : {text}', is_setup=True)


def _claim_problem(pod: Obj, key: Key, look: Look, *, is_ephemeral: bool) -> str:
    """Source: getPVCExtractPV, getPVSpec."""
    prefix = f"error processing PVC {key}: "
    claim = look(PERSISTENT_VOLUME_CLAIMS, key)
    if claim is None:
        return f'{prefix}failed to fetch PVC from API server: persistentvolumeclaims "{key.name}" not found'
    protected = volumes.CLAIM_PROTECTION in (claim["metadata"].get("finalizers") or ())
    if objects.is_deleting(claim) and not protected:
        return f"{prefix}PVC is being deleted"
    if walk(claim, "status", "phase") != "Bound":
        return f"{prefix}PVC is not bound"
    name = claim["spec"].get("volumeName")
    if not name:
        return f"{prefix}PVC has empty pvc.Spec.VolumeName"
    if is_ephemeral and not volumes.is_claim_for_pod(pod, claim):
        return volumes.not_for_pod(pod, claim)
    volume = look(PERSISTENT_VOLUMES, Key("", name))
    if volume is None:
        return f'{prefix}failed to fetch PV {name} from API server: persistentvolumes "{name}" not found'
    ref = volume["spec"].get("claimRef")
    if ref is None:
        return (
            f"{prefix}found PV object {name} but it has a nil pv.Spec.ClaimRef indicating it is not yet bound "
            "to the claim"
        )
    if ref.get("uid", "") != objects.uid_of(claim):
        return (
            f"{prefix}found PV object {name} but its pv.Spec.ClaimRef.UID {ref.get('uid', '')} does not point to "
            f"claim.UID {objects.uid_of(claim)}"
        )
    return ""


def _is_attached(key: Key, node: str, look: Look) -> bool:
    """CSI volumes of drivers that attach; a kubelet says nothing while it waits for that."""
    claim = look(PERSISTENT_VOLUME_CLAIMS, key)
    volume = look(PERSISTENT_VOLUMES, Key("", claim["spec"]["volumeName"])) if claim is not None else None
    source = volume["spec"].get("csi") if volume is not None else None
    if source is None:
        return True
    driver = look(CSI_DRIVERS, Key("", source["driver"]))
    if driver is not None and driver["spec"].get("attachRequired") is False:
        return True
    attachment = look(VOLUME_ATTACHMENTS, Key("", volumes.attachment_name(source, node)))
    return bool(walk(attachment, "status", "attached"))


# The message of a problem that gets no event.
SILENT = ""


def _sources(volume: Obj) -> Iterator[tuple[Resource, str, Obj]]:
    """(kind, name, source) of the ConfigMaps and Secrets behind a volume."""
    if (source := volume.get("configMap")) is not None:
        yield CONFIG_MAPS, source.get("name", ""), source
    elif (source := volume.get("secret")) is not None:
        yield SECRETS, source.get("secretName", ""), source
    for part in (volume.get("projected") or {}).get("sources") or ():
        if (source := part.get("configMap")) is not None:
            yield CONFIG_MAPS, source.get("name", ""), source
        elif (source := part.get("secret")) is not None:
            yield SECRETS, source.get("name", ""), source


def _source_problem(found: tuple[Resource, str, Obj], namespace: str, look: Look) -> str:
    resource, name, source = found
    if source.get("optional"):
        return ""
    obj = look(resource, Key(namespace, name))
    if obj is None:
        return f'{resource.singular} "{name}" not found'
    keys = {*(obj.get("data") or ()), *(obj.get("binaryData") or ())}
    for item in source.get("items") or ():
        if item["key"] not in keys:
            what = (
                "configmap references non-existent config key"
                if resource is CONFIG_MAPS
                else "references non-existent secret key"
            )
            return f"{what}: {item['key']}"
    return ""


# -- waiting ---------------------------------------------------------------------------------------------------


class _Waiting(Struct):
    """A pod whose volumes are not there."""

    uid: str
    wants: set[tuple[str, Key]]  # (resource, key) of what would help
    # When it is tried again, monotonic seconds, by volume; "" for all that is found before mounting.
    due: dict[str, float] = field(default_factory=dict)


class VolumeManager:
    """For all pods of all our nodes. Part of a controller, whose keys are pods."""

    def __init__(self, controller: Controller) -> None:
        self._clock, self._random = controller.clock, controller.random
        self._backoff = Exponential(SETUP_RETRY_S, SETUP_RETRY_S_MAX)
        self._waiting: dict[Key, _Waiting] = {}
        self._waiters: dict[tuple[str, Key], set[Key]] = {}
        self._informers: dict[str, Informer] = {
            str(resource): controller.watch(resource, self._waiters_of(resource)) for resource in _WATCHED
        }

    def _waiters_of(self, resource: Resource) -> Callable[[Document, Document | None], Iterable[Key]]:
        name = str(resource)
        return lambda document, old: tuple(self._waiters.get((name, document.key), ()))

    def forget(self, pod: Key) -> None:
        waiting = self._waiting.get(pod)
        if waiting is not None:
            self._drop(pod, waiting)
            for volume in waiting.due:
                self._backoff.forget((waiting.uid, volume))

    def _drop(self, pod: Key, waiting: _Waiting) -> None:
        del self._waiting[pod]
        for want in waiting.wants:
            waiters = self._waiters[want]
            waiters.discard(pod)
            if not waiters:
                del self._waiters[want]

    def wait_s(self, pod: Obj, recorder: Recorder) -> float | None:
        """Seconds until it is worth to ask again, None when the volumes are there. Records what there is to say."""
        key, uid = objects.key_of(pod), objects.uid_of(pod)
        wants: set[tuple[str, Key]] = set()

        def look(resource: Resource, wanted: Key) -> Obj | None:
            wants.add((str(resource), wanted))
            return self._informers[str(resource)].get(wanted)

        found = problems(pod, look)
        known = self._waiting.get(key)
        if not found:
            if known is not None:
                self.forget(key)
            return None
        waiting = _Waiting(uid, wants)
        if known is not None:
            if known.uid == uid:
                waiting.due = known.due
            self._drop(key, known)
        self._waiting[key] = waiting
        for want in wants:
            self._waiters.setdefault(want, set()).add(key)
        return self._try(pod, waiting, found, recorder)

    def _try(self, pod: Obj, waiting: _Waiting, found: Sequence[Problem], recorder: Recorder) -> float:
        now = self._clock.monotonic()
        for problem in found:
            waiting.due.setdefault(problem.volume if problem.is_setup else "", now + FIRST_LOOK_S)
        unprocessed = [problem for problem in found if not problem.is_setup]
        if unprocessed and waiting.due[""] <= now:
            names = " ".join(problem.volume for problem in unprocessed)
            whys = "; ".join(problem.message for problem in unprocessed)
            message = (
                f"Unable to attach or mount volumes: unmounted volumes=[{names}], unattached volumes=[], failed to "
                f"process volumes=[{names}]: {whys}"
            )
            recorder.event(pod, WARNING, "FailedMount", message)
            waiting.due[""] = now + self._random.uniform(SYNC_RETRY_S, SYNC_RETRY_S * 1.5)
        for problem in found:
            if problem.is_setup and waiting.due[problem.volume] <= now:
                if problem.message != SILENT:
                    recorder.event(pod, WARNING, "FailedMount", problem.message)
                waiting.due[problem.volume] = now + self._backoff.next_s((waiting.uid, problem.volume))
        names_due = {problem.volume if problem.is_setup else "" for problem in found}
        return max(0.0, min(waiting.due[name] for name in names_due) - now)
