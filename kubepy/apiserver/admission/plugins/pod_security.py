"""Pods keep to the Pod Security Standard that their namespace's labels name; workloads' templates are warned of.

A namespace that asks for nothing is privileged, unless the configuration says otherwise: one look at its labels then.
What a pod must not ask for is the business of kubepy.api.pod_security.

Source: pod-security-admission admission/admission.go, plugin/pkg/admission/security/podsecurity/admission.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kubepy.api import errors
from kubepy.api.builtins import NAMESPACES, PODS
from kubepy.api.errors import FieldError, quote
from kubepy.api.objects import Document, Obj, controller_of, labels_of, walk
from kubepy.api.pod_security import configuration, evaluation
from kubepy.api.pod_security.configuration import Configuration
from kubepy.api.pod_security.containers import Violation
from kubepy.api.pod_security.levels import PREFIX, PRIVILEGED, Policy, Standard, is_stricter, policy_of
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import CREATE, UPDATE, Attributes, Plugin, Tools, forbidden
from kubepy.apiserver.admission.pod_security_metrics import AUDIT, ENFORCE, WARN, PodSecurityMetrics

# Where kinds have the pods that they make.
TEMPLATES: dict[str, tuple[str, ...]] = {
    "podtemplates": ("template",),
    "replicationcontrollers": ("spec", "template"),
    "replicasets.apps": ("spec", "template"),
    "deployments.apps": ("spec", "template"),
    "statefulsets.apps": ("spec", "template"),
    "daemonsets.apps": ("spec", "template"),
    "jobs.batch": ("spec", "template"),
    "cronjobs.batch": ("spec", "jobTemplate", "spec", "template"),
}
# Subresources that cannot change what a pod may do; the others (ephemeralcontainers, resize) are looked at.
IGNORED_SUBRESOURCES = frozenset(
    {"exec", "attach", "binding", "eviction", "log", "portforward", "proxy", "status"}
)

# How many of a namespace's pods are looked at when it becomes stricter, and for how long.
PODS_MAX = 3000
CHECK_S = 1.0
_PODS_AT_ONCE = 50

_PRIVILEGED = str(Standard())


class PodSecurity(Plugin):
    name = "PodSecurity"
    validates = True

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools)
        given = tools.configuration.get(self.name)
        self._configuration = configuration.parse(given) if given else Configuration()
        self._metrics = PodSecurityMetrics(tools.metrics, int(tools.schemas.version.partition(".")[2]))

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        if operation not in (CREATE, UPDATE):
            return False
        if resource == PODS:
            return subresource not in IGNORED_SUBRESOURCES
        return not subresource and (resource == NAMESPACES or resource.group_resource in TEMPLATES)

    async def validate(self, attributes: Attributes) -> None:
        if attributes.resource == PODS:
            await self._validate_pod(attributes)
        elif attributes.resource == NAMESPACES:
            await self._validate_namespace(attributes)
        else:
            await self._validate_workload(attributes)

    # -- pods and what makes them ------------------------------------------------------------------------------------

    async def _validate_pod(self, attributes: Attributes) -> None:
        if self._is_exempt(attributes):
            return
        namespace = await self.lookup.find(NAMESPACES, "", attributes.namespace)
        if namespace is None:
            self._metrics.failed(attributes, is_fatal=True)
            _annotate(attributes, "error", f'namespace "{attributes.namespace}" not found')
            raise errors.InternalError(f"failed to lookup namespace {quote(attributes.namespace)}")
        policy, findings = policy_of(labels_of(namespace.obj), self._configuration.defaults)
        if not findings and policy.is_fully_privileged:
            self._metrics.evaluated(policy.enforce, ENFORCE, attributes, is_allowed=True)
            _annotate(attributes, "enforce-policy", _PRIVILEGED)
            return
        pod = attributes.obj
        assert pod is not None, "pods are written with a body"
        if attributes.operation == UPDATE:
            assert attributes.old is not None, "there is one on update"
            if not is_significant_update(pod["spec"], attributes.old["spec"]):
                return
        self._note_unparsable(attributes, findings)
        self._evaluate(attributes, policy, pod["metadata"], pod["spec"], is_enforced=True)

    async def _validate_workload(self, attributes: Attributes) -> None:
        if self._is_exempt(attributes):
            return
        namespace = await self.lookup.find(NAMESPACES, "", attributes.namespace)
        if namespace is None:
            self._metrics.failed(attributes, is_fatal=True)
            _annotate(attributes, "error", f"failed to lookup namespace {quote(attributes.namespace)}")
            return
        policy, findings = policy_of(labels_of(namespace.obj), self._configuration.defaults)
        if not findings and policy.warn.level == policy.audit.level == PRIVILEGED:
            return
        template = walk(attributes.obj, *TEMPLATES[attributes.resource.group_resource])
        if template is None:
            return
        self._note_unparsable(attributes, findings)
        self._evaluate(
            attributes, policy, template.get("metadata") or {}, template.get("spec") or {}, is_enforced=False
        )

    def _note_unparsable(self, attributes: Attributes, findings: Sequence[FieldError]) -> None:
        """What the labels say counts as far as it can be read."""
        if findings:
            self._metrics.failed(attributes, is_fatal=False)
            _annotate(attributes, "error", f"Failed to parse policy: {errors.aggregate(findings)}")

    def _is_exempt(self, attributes: Attributes) -> bool:
        configured = self._configuration
        if attributes.namespace in configured.namespaces:
            _annotate(attributes, "exempt", "namespace")
        elif attributes.user.name in configured.usernames:
            _annotate(attributes, "exempt", "user")
        else:
            return False
        self._metrics.exempted(attributes)
        return True

    def _evaluate(
        self, attributes: Attributes, policy: Policy, metadata: Obj, spec: Obj, *, is_enforced: bool
    ) -> None:
        if spec.get("runtimeClassName") in self._configuration.runtime_classes:
            self._metrics.exempted(attributes)
            _annotate(attributes, "exempt", "runtimeClass")
            return
        known: dict[Standard, list[Violation]] = {}

        def violations(standard: Standard) -> list[Violation]:
            if standard not in known:
                known[standard] = evaluation.evaluate(standard, metadata, spec)
            return known[standard]

        if is_enforced:
            _annotate(attributes, "enforce-policy", str(policy.enforce))
        if found := violations(policy.audit):
            self._metrics.evaluated(policy.audit, AUDIT, attributes, is_allowed=False)
            _annotate(attributes, "audit-violations", f"would violate {_said_of_one(policy.audit, found)}")
        if is_enforced:
            found = violations(policy.enforce)
            self._metrics.evaluated(policy.enforce, ENFORCE, attributes, is_allowed=not found)
            if found:
                raise forbidden(attributes, f"violates {_said_of_one(policy.enforce, found)}")
        if found := violations(policy.warn):
            self._metrics.evaluated(policy.warn, WARN, attributes, is_allowed=False)
            attributes.warnings.append(f"would violate {_said_of_one(policy.warn, found)}")

    # -- namespaces --------------------------------------------------------------------------------------------------

    async def _validate_namespace(self, attributes: Attributes) -> None:
        assert attributes.obj is not None, "namespaces are written with a body"
        labels = labels_of(attributes.obj)
        policy, findings = policy_of(labels, self._configuration.defaults)
        name = attributes.obj["metadata"].get("name", "")
        if attributes.operation == CREATE:
            if findings:
                raise errors.invalid(NAMESPACES, attributes.name, findings)
            if attributes.namespace in self._configuration.namespaces:
                self._warn_exempt(attributes, name, policy, labels)
            return
        assert attributes.old is not None, "there is one on update"
        before, old_findings = policy_of(labels_of(attributes.old), self._configuration.defaults)
        if findings and findings != old_findings:
            raise errors.invalid(NAMESPACES, attributes.name, findings)
        if not is_tightened(policy.enforce, before.enforce):
            return
        if attributes.namespace in self._configuration.namespaces:
            self._warn_exempt(attributes, name, policy, labels)
            return
        attributes.warnings += await self._violators(name, policy.enforce)

    def _warn_exempt(
        self, attributes: Attributes, name: str, policy: Policy, labels: Mapping[str, str]
    ) -> None:
        """That what the labels ask for is not done here."""
        if policy.is_fully_privileged or policy.is_equivalent(self._configuration.defaults):
            return
        asked = ", ".join(
            f"{mode}={standard}"
            for mode, standard in policy._asdict().items()
            if standard.level != PRIVILEGED
            and (PREFIX + mode in labels or f"{PREFIX}{mode}-version" in labels)
        )
        attributes.warnings.append(
            f"namespace {quote(name)} is exempt from Pod Security, and the policy ({asked}) will be ignored"
        )

    async def _violators(self, namespace: str, enforce: Standard) -> list[str]:
        """What to warn of: the pods that would not be let in any more. They stay."""
        pods = self._prioritized(await self.lookup.all(PODS, namespace))
        until = self.clock.monotonic() + CHECK_S
        checked = 0
        groups: dict[str, Violators] = {}
        for start in range(0, min(len(pods), PODS_MAX), _PODS_AT_ONCE):
            if start:
                # Others have their turn in between.
                await self.clock.sleep(0)
                if self.clock.monotonic() > until:
                    break
            for pod in pods[start : min(start + _PODS_AT_ONCE, PODS_MAX)]:
                checked += 1
                if found := evaluation.evaluate(enforce, pod["metadata"], pod["spec"]):
                    reasons = evaluation.reasons(found)
                    groups[reasons] = groups.get(reasons, Violators()).joined_by(pod["metadata"]["name"])
        warnings = []
        if checked < len(pods):
            warnings.append(
                f"new PodSecurity enforce level only checked against the first {checked} of {len(pods)} existing pods"
            )
        if groups:
            warnings.append(
                f'existing pods in namespace {quote(namespace)} violate the new PodSecurity enforce level "{enforce}"'
            )
        return warnings + sorted(f"{who}: {reasons}" for reasons, who in groups.items())

    def _prioritized(self, documents: Sequence[Document]) -> list[Obj]:
        """One pod of each controller first: its others are alike."""
        first: list[Obj] = []
        others: list[Obj] = []
        seen: set[str] = set()
        for document in documents:
            pod = document.obj
            if pod["spec"].get("runtimeClassName") in self._configuration.runtime_classes:
                continue
            owner = controller_of(pod)
            if owner is not None and owner["uid"] in seen:
                others.append(pod)
                continue
            first.append(pod)
            if owner is not None:
                seen.add(owner["uid"])
        return first + others


class Violators(NamedTuple):
    """Pods that have the same against them."""

    first: str = ""  # by name
    number: int = 0

    def joined_by(self, name: str) -> Violators:
        return Violators(min(self.first or name, name), self.number + 1)

    def __str__(self) -> str:
        if self.number == 1:
            return self.first
        others = "1 other pod" if self.number == 2 else f"{self.number - 1} other pods"
        return f"{self.first} (and {others})"


def _annotate(attributes: Attributes, key: str, value: str) -> None:
    attributes.annotate(PREFIX + key, value)


def _said_of_one(standard: Standard, violations: Sequence[Violation]) -> str:
    return f'PodSecurity "{standard}": {evaluation.details(violations)}'


def is_tightened(enforce: Standard, before: Standard) -> bool:
    """Whether pods that are there may violate what is enforced now."""
    if enforce == before or enforce.level == PRIVILEGED:
        return False
    return enforce.minor != before.minor or is_stricter(enforce.level, than=before.level)


def is_significant_update(spec: Obj, old: Obj) -> bool:
    """Whether there is another container, or another image. Source: isSignificantPodUpdate."""
    for field in ("containers", "initContainers"):
        new_images = [container.get("image") for container in spec.get(field) or ()]
        if new_images != [container.get("image") for container in old.get(field) or ()]:
            return True
    known = {container["name"]: container.get("image") for container in old.get("ephemeralContainers") or ()}
    return any(
        container["name"] not in known or container.get("image") != known[container["name"]]
        for container in spec.get("ephemeralContainers") or ()
    )
