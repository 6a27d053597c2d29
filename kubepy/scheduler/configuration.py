"""KubeSchedulerConfiguration v1 files: profiles, plugin sets, weights, arguments, extenders.

`parse` reads one as kube-scheduler does: strictly (an unknown field is an error), with its defaults, and refuses what
it would refuse, in its words. Read and not used, for there is nothing of the kind here: clientConnection, parallelism
(one loop decides), profiling and delayCacheUntilActive; leaderElection is for the process that runs the scheduler.
Differs: what pluginConfig says of a plugin that takes no arguments is not looked at.

Source: pkg/scheduler/apis/config/{types.go,types_pluginargs.go,v1/defaults.go,v1/default_plugins.go,validation/}.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from msgspec.structs import replace

from kubepy.api import errors, names, placement
from kubepy.api.cel.values import parse_duration
from kubepy.api.errors import FieldError
from kubepy.api.objects import Obj
from kubepy.lib import yaml
from kubepy.scheduler import configuration_form as form
from kubepy.scheduler.args import (
    DefaultPreemptionArgs,
    DynamicResourcesArgs,
    InterPodAffinityArgs,
    NodeAffinityArgs,
    NodeResourcesBalancedAllocationArgs,
    NodeResourcesFitArgs,
    PodTopologySpreadArgs,
    ResourceWeight,
    ShapePoint,
    VolumeBindingArgs,
)
from kubepy.scheduler.profiles import (
    DEFAULT_PLUGINS,
    DEFAULT_SCHEDULER,
    EXTENSION_POINTS,
    Configuration,
    Extender,
    PluginSet,
    Profile,
)
from kubepy.scheduler.scoring import SHAPE_SCORE_MAX

API_VERSION, KIND = "kubescheduler.config.k8s.io/v1", "KubeSchedulerConfiguration"


_VERSION_KIND = (
    r'into Go value of type struct { APIVersion string "json:\"apiVersion,omitempty\""; '
    r'Kind string "json:\"kind,omitempty\"" }'
)


class Invalid(ValueError):
    """What is wrong, in one sentence."""


def parse(text: str | bytes) -> Configuration:
    """Raises Invalid."""
    try:
        found = yaml.load(text)
    except yaml.Error as error:
        raise Invalid(yaml.go_text(error)) from None
    whole = text.decode() if isinstance(text, bytes) else text
    if found is not None and not isinstance(found, dict):
        kind = {list: "array", str: "string", bool: "bool"}.get(type(found), "number")
        raise Invalid(
            f"couldn't get version/kind; json parse error: json: cannot unmarshal {kind} {_VERSION_KIND}"
        )
    if not found or not found.get("kind"):
        raise Invalid(f"Object 'Kind' is missing in '{whole}'")
    if not found.get("apiVersion"):
        raise Invalid(f"Object 'apiVersion' is missing in '{whole}'")
    if (found["apiVersion"], found["kind"]) != (API_VERSION, KIND):
        raise Invalid(
            f'no kind "{found["kind"]}" is registered for version "{found["apiVersion"]}" in scheme '
            '"pkg/scheduler/apis/config/scheme/scheme.go:29"'
        )
    if wrong := form.misfit(found, form.CONFIGURATION):
        raise Invalid(wrong)
    if unknown := form.unknown_fields(found, form.CONFIGURATION):
        raise Invalid(_strict(unknown))
    profiles: list[Obj] = found.get("profiles") or [{}]
    if len(profiles) == 1:
        profiles = [{**profiles[0], "schedulerName": profiles[0].get("schedulerName", DEFAULT_SCHEDULER)}]
    problems = _problems(found, profiles)
    args = [_arguments_of(profile, f"profiles[{at}]", problems) for at, profile in enumerate(profiles)]
    extenders = found.get("extenders") or []
    _check_extenders(extenders, problems)
    if problems:
        raise Invalid(errors.aggregate(problems))
    unseen = frozenset(
        one["name"]
        for each in extenders
        for one in each.get("managedResources") or ()
        if one.get("ignoredByScheduler")
    )
    args = [_ignoring(unseen, found) for found in args] if unseen else args
    return Configuration(
        profiles=tuple(_profile(p, a, found) for p, a in zip(profiles, args, strict=True)),
        backoff_initial_s=float(found.get("podInitialBackoffSeconds", 1)),
        backoff_max_s=float(found.get("podMaxBackoffSeconds", 10)),
        extenders=tuple(_extender(one) for one in extenders),
        leader_election=found.get("leaderElection") or {},
    )


def _strict(unknown: Sequence[str]) -> str:
    return "strict decoding error: " + ", ".join(f'unknown field "{path}"' for path in unknown)


# -- what the whole has to be ------------------------------------------------------------------------------------

_REMOVED = ("AzureDiskLimits", "CinderLimits", "EBSLimits", "GCEPDLimits")


def _problems(found: Obj, profiles: Sequence[Obj]) -> list[FieldError]:
    """Source: validation.go, ValidateKubeSchedulerConfiguration."""
    problems: list[FieldError] = []
    if (burst := (found.get("clientConnection") or {}).get("burst") or 0) < 0:
        problems.append(errors.invalid_value("clientConnection.burst", burst, "must be non-negative"))
    _check_election(found.get("leaderElection") or {}, problems)
    if (parallelism := found.get("parallelism", 16)) <= 0:
        problems.append(
            errors.invalid_value("parallelism", parallelism, "should be an integer value greater than zero")
        )
    seen: dict[str, int] = {}
    for at, profile in enumerate(profiles):
        path, name = f"profiles[{at}]", profile.get("schedulerName") or ""
        if not name:
            problems.append(errors.required(f"{path}.schedulerName"))
        _check_percentage(profile, f"{path}.percentageOfNodesToScore", problems)
        _check_plugins(profile, path, problems)
        if name in seen:
            # Upstream shows the path of the first one, which prints as nothing.
            problems.append(errors.duplicate(f"{path}.schedulerName", {}))
        seen[name] = at
    _check_queue_sort(profiles, problems)
    _check_percentage(found, "percentageOfNodesToScore", problems)
    initial, most = found.get("podInitialBackoffSeconds", 1), found.get("podMaxBackoffSeconds", 10)
    if initial <= 0:
        problems.append(errors.invalid_value("podInitialBackoffSeconds", initial, "must be greater than 0"))
    if most < initial:
        text = "must be greater than or equal to PodInitialBackoffSeconds"
        problems.append(errors.invalid_value("podMaxBackoffSeconds", most, text))
    return problems


# Source: component-base config/v1alpha1/defaults.go, RecommendedDefaultLeaderElectionConfiguration.
_ELECTION_TIMES = {"leaseDuration": "15s", "renewDeadline": "10s", "retryPeriod": "2s"}


def _check_election(election: Obj, problems: list[FieldError]) -> None:
    """Zero and "" stand for the defaults. Source: ValidateLeaderElectionConfiguration."""
    if not election.get("leaderElect", True):
        return
    texts: dict[str, str] = {}
    times: dict[str, float] = {}
    for name, default in _ELECTION_TIMES.items():
        where, text = f"leaderElection.{name}", election.get(name) or default
        seconds = _seconds(text, where, problems)
        texts[name] = text if seconds else default
        times[name] = seconds or _seconds(default, where, problems)
        if times[name] < 0:
            problems.append(errors.invalid_value(where, text, "must be greater than zero"))
    if times["leaseDuration"] <= times["renewDeadline"]:
        # Upstream shows the other one.
        shown = texts["renewDeadline"]
        problems.append(
            errors.invalid_value(
                "leaderElection.leaseDuration", shown, "must be greater than `RenewDeadline`"
            )
        )
    if (lock := election.get("resourceLock") or "leases") != "leases":
        text = 'resourceLock value must be "leases"'
        problems.append(errors.invalid_value("leaderElection.resourceLock", lock, text))


def _check_percentage(holder: Obj, path: str, problems: list[FieldError]) -> None:
    percentage = holder.get("percentageOfNodesToScore") or 0
    if not 0 <= percentage <= 100:
        problems.append(errors.invalid_value(path, percentage, "not in valid range [0-100]"))


def _check_plugins(profile: Obj, path: str, problems: list[FieldError]) -> None:
    removed = (
        f'was invalid in version "{API_VERSION}" (KubeSchedulerConfiguration is version "{API_VERSION}")'
    )
    for point in EXTENSION_POINTS:
        for at, plugin in enumerate(_set(profile, point).get("enabled") or ()):
            if plugin["name"] in _REMOVED:
                where = f"{path}.plugins.{point}.enabled[{at}]"
                problems.append(errors.invalid_value(where, plugin["name"], removed))
    seen: set[str] = set()
    for at, config in enumerate(profile.get("pluginConfig") or ()):
        where = f"{path}.pluginConfig[{at}]"
        if config["name"] in seen:
            problems.append(errors.duplicate(where, config["name"]))
        seen.add(config["name"])
        if config["name"] in _REMOVED:
            problems.append(errors.invalid_value(where, config["name"], removed))


def _check_queue_sort(profiles: Sequence[Obj], problems: list[FieldError]) -> None:
    first = _set(profiles[0], "queueSort")
    if (count := len(first.get("enabled") or ())) > 1:
        text = "only one queue sort plugin can be enabled"
        problems.append(errors.invalid_value("profiles[0].plugins.queueSort.Enabled", count, text))
    for at, profile in enumerate(profiles[1:], 1):
        if (other := _set(profile, "queueSort")) != first:
            text = "must be the same for all profiles"
            problems.append(errors.invalid_value(f"profiles[{at}].plugins.queueSort", _in_go(other), text))


def _in_go(plugins: Obj) -> Obj:
    """A PluginSet as Go prints the internal type."""
    return {
        field: [{"Name": one["name"], "Weight": one.get("weight") or 0} for one in plugins[field.lower()]]
        if field.lower() in plugins
        else None
        for field in ("Enabled", "Disabled")
    }


def _check_extenders(extenders: Sequence[Obj], problems: list[FieldError]) -> None:
    seen: set[str] = set()
    for at, extender in enumerate(extenders):
        path, weight = f"extenders[{at}]", extender.get("weight", 0)
        if extender.get("prioritizeVerb") and weight <= 0:
            text = "must have a positive weight applied to it"
            problems.append(errors.invalid_value(f"{path}.weight", weight, text))
        for index, managed in enumerate(extender.get("managedResources") or ()):
            where, name = f"{path}.managedResources[{index}].name", managed["name"]
            messages = names.label_key(name)
            if not messages and not _is_extended(name):
                messages = ["is an invalid extended resource name"]
            problems += [errors.invalid_value(where, name, message) for message in messages]
            if name in seen:
                problems.append(errors.invalid_value(where, name, "duplicate extender managed resource name"))
            seen.add(name)
    if (binders := sum(bool(extender.get("bindVerb")) for extender in extenders)) > 1:
        found = f"found {binders} extenders implementing bind"
        problems.append(errors.invalid_value("extenders", found, "only one extender can implement bind"))


def _is_extended(name: str) -> bool:
    """Source: pkg/apis/core/v1/helper, IsExtendedResourceName."""
    return "/" in name and "kubernetes.io/" not in name and not name.startswith("requests.")


# -- profiles ----------------------------------------------------------------------------------------------------


def _set(profile: Obj, point: str) -> Obj:
    found: Obj = (profile.get("plugins") or {}).get(point) or {}
    return found


def _profile(profile: Obj, args: tuple[object, ...], whole: Obj) -> Profile:
    percentage = profile.get("percentageOfNodesToScore")
    if percentage is None:
        percentage = whole.get("percentageOfNodesToScore") or 0
    points = {
        point: PluginSet(_weighted(found.get("enabled")), _named(found.get("disabled")))
        for point in EXTENSION_POINTS
        if (found := _set(profile, point))
    }
    return Profile(
        scheduler_name=profile["schedulerName"],
        plugins=_merged(_set(profile, "multiPoint")),
        percentage_of_nodes_to_score=percentage,
        args=args,
        points=points,
    )


def _merged(custom: Obj) -> tuple[tuple[str, int], ...]:
    """The default plugins, those set anew with their new weight, and after them the others. Source: mergePluginSet."""
    enabled, disabled = dict(_weighted(custom.get("enabled"))), _named(custom.get("disabled"))
    kept = {} if "*" in disabled else {n: w for n, w in DEFAULT_PLUGINS if n not in disabled}
    replaced = {name: enabled.get(name, weight) for name, weight in kept.items()}
    return tuple((replaced | {name: weight for name, weight in enabled.items() if name not in kept}).items())


def _weighted(plugins: Sequence[Obj] | None) -> tuple[tuple[str, int], ...]:
    """A weight of 0 is 1: whom it is not to count for disables the plugin."""
    return tuple((plugin["name"], plugin.get("weight") or 1) for plugin in plugins or ())


def _named(plugins: Sequence[Obj] | None) -> frozenset[str]:
    return frozenset(plugin["name"] for plugin in plugins or ())


# -- arguments ---------------------------------------------------------------------------------------------------


def _arguments_of(profile: Obj, path: str, problems: list[FieldError]) -> tuple[object, ...]:
    found = []
    for at, config in enumerate(profile.get("pluginConfig") or ()):
        name, args = config["name"], config.get("args") or {}
        struct, read = form.ARGUMENTS.get(name), _READERS.get(name)
        if struct is None or read is None:
            continue  # of a plugin that is told nothing
        where = f"decoding .{path}.pluginConfig[{at}]: "
        if (kind := args.get("kind", f"{name}Args")) != f"{name}Args":
            group = "kubescheduler.config.k8s.io"
            raise Invalid(
                f"{where}args for plugin {name} were not of type {name}Args.{group}, got {kind}.{group}"
            )
        what = f"decoding args for plugin {name}: "
        if wrong := form.misfit(args, struct):
            raise Invalid(f"{where}{what}{wrong}")
        if unknown := form.unknown_fields(args, struct):
            raise Invalid(f"strict decoding error: {where}strict decoding error: {what}{_strict(unknown)}")
        found.append(read(args, f"{path}.pluginConfig[{at}].args", problems))
    return tuple(found)


def _default_preemption(args: Obj, path: str, problems: list[FieldError]) -> DefaultPreemptionArgs:
    percentage, absolute = (
        args.get("minCandidateNodesPercentage", 10),
        args.get("minCandidateNodesAbsolute", 100),
    )
    of_percentage, of_absolute = f"{path}.minCandidateNodesPercentage", f"{path}.minCandidateNodesAbsolute"
    if not 0 <= percentage <= 100:
        problems.append(errors.invalid_value(of_percentage, percentage, "not in valid range [0, 100]"))
    if absolute < 0:
        problems.append(errors.invalid_value(of_absolute, absolute, "not in valid range [0, inf)"))
    if percentage == absolute == 0:
        text = "cannot be zero at the same time as "
        problems += [
            errors.invalid_value(of_percentage, 0, f"{text}minCandidateNodesAbsolute"),
            errors.invalid_value(of_absolute, 0, f"{text}minCandidateNodesPercentage"),
        ]
    return DefaultPreemptionArgs(percentage, absolute)


def _inter_pod_affinity(args: Obj, path: str, problems: list[FieldError]) -> InterPodAffinityArgs:
    weight = args.get("hardPodAffinityWeight", 1)
    if not 0 <= weight <= 100:
        where = f"{path}.hardPodAffinityWeight"
        problems.append(errors.invalid_value(where, weight, "not in valid range [0, 100]"))
    return InterPodAffinityArgs(weight, args.get("ignorePreferredTermsOfExistingPods", False))


def _node_affinity(args: Obj, path: str, problems: list[FieldError]) -> NodeAffinityArgs:
    added = args.get("addedAffinity")
    if added is not None:
        try:
            as_pod: Obj = {"spec": {"affinity": {"nodeAffinity": added}}}
            placement.required_affinity(as_pod)
            placement.preferred_affinity(as_pod)
        except ValueError as error:
            problems.append(errors.invalid_value(f"{path}.addedAffinity", added, str(error)))
    return NodeAffinityArgs(added)


def _resources(found: Sequence[Obj] | None) -> tuple[ResourceWeight, ...]:
    if not found:
        return NodeResourcesFitArgs().resources
    return tuple(ResourceWeight(one["name"], one.get("weight") or 1) for one in found)


def _balanced_allocation(
    args: Obj, path: str, problems: list[FieldError]
) -> NodeResourcesBalancedAllocationArgs:
    resources = _resources(args.get("resources"))
    seen: set[str] = set()
    for at, (name, weight) in enumerate(resources):
        if name in seen:
            problems.append(errors.duplicate(f"{path}.resources[{at}].name", name))
        seen.add(name)
        if weight != 1:
            problems.append(errors.invalid_value(f"{path}.resources[{at}].weight", weight, "must be 1"))
    return NodeResourcesBalancedAllocationArgs(resources)


_STRATEGIES = ("LeastAllocated", "MostAllocated", "RequestedToCapacityRatio")


def _node_resources_fit(args: Obj, path: str, problems: list[FieldError]) -> NodeResourcesFitArgs:
    for field, text in (
        ("ignoredResources", ""),
        ("ignoredResourceGroups", "resource group name can't contain '/'"),
    ):
        for at, name in enumerate(args.get(field) or ()):
            where = f"{path}.{field}[{at}]"
            if text and "/" in name:
                problems.append(errors.invalid_value(where, name, text))
            problems += [errors.invalid_value(where, name, message) for message in names.label_key(name)]
    strategy: Obj = args.get("scoringStrategy") or {"type": "LeastAllocated"}
    of_strategy, kind = f"{path}.scoringStrategy", strategy.get("type") or ""
    if kind not in _STRATEGIES:
        problems.append(errors.not_supported(f"{of_strategy}.type", kind, _STRATEGIES))
    resources = _resources(strategy.get("resources"))
    for at, (name, weight) in enumerate(resources):
        if not 0 < weight <= 100:
            text = f"resource weight of {name} not in valid range (0, 100]"
            problems.append(errors.invalid_value(f"{of_strategy}.resources[{at}].weight", weight, text))
    ratio = strategy.get("requestedToCapacityRatio")
    of_ratio = f"{of_strategy}.requestedToCapacityRatio"
    shape: tuple[ShapePoint, ...] = ()
    if kind != "RequestedToCapacityRatio":
        if ratio is not None:
            text = "must be nil when type is not RequestedToCapacityRatio"
            problems.append(errors.forbidden_field(of_ratio, text))
    elif ratio is None:
        problems.append(errors.required(of_ratio, "must be specified when type is RequestedToCapacityRatio"))
    else:
        shape = _shape(ratio)
        _check_shape(shape, f"{of_ratio}.shape", problems)
    return NodeResourcesFitArgs(
        strategy=kind,
        resources=resources,
        shape=shape,
        ignored_resources=frozenset(args.get("ignoredResources") or ()),
        ignored_resource_groups=frozenset(args.get("ignoredResourceGroups") or ()),
    )


def _shape(fields: Obj) -> tuple[ShapePoint, ...]:
    return tuple(ShapePoint(p.get("utilization", 0), p.get("score", 0)) for p in fields.get("shape") or ())


def _check_shape(shape: Sequence[ShapePoint], path: str, problems: list[FieldError]) -> None:
    if not shape:
        problems.append(errors.required(path, "at least one point must be specified"))
    for at, (before, point) in enumerate(pairwise(shape), 1):
        if before.utilization >= point.utilization:
            text = "values must be sorted in increasing order"
            problems.append(errors.invalid_value(f"{path}[{at}].utilization", point.utilization, text))
            break
    for at, point in enumerate(shape):
        for field, value, most in (
            ("utilization", point.utilization, 100),
            ("score", point.score, SHAPE_SCORE_MAX),
        ):
            if not 0 <= value <= most:
                text = f"not in valid range [0, {most}]"
                problems.append(errors.invalid_value(f"{path}[{at}].{field}", value, text))


def _pod_topology_spread(args: Obj, path: str, problems: list[FieldError]) -> PodTopologySpreadArgs:
    kind, constraints = args.get("defaultingType") or "System", args.get("defaultConstraints") or []
    if kind not in ("System", "List"):
        problems.append(errors.not_supported(f"{path}.defaultingType", kind, ("List", "System")))
    elif kind == "System" and constraints:
        text = "when .defaultConstraints are not empty"
        problems.append(errors.invalid_value(f"{path}.defaultingType", kind, text))
    seen: set[tuple[str, str]] = set()
    for at, constraint in enumerate(constraints):
        where = f"{path}.defaultConstraints[{at}]"
        if (skew := constraint.get("maxSkew") or 0) <= 0:
            problems.append(errors.invalid_value(f"{where}.maxSkew", skew, "not in valid range (0, inf)"))
        key, unsatisfiable = constraint.get("topologyKey") or "", constraint.get("whenUnsatisfiable") or ""
        if not key:
            problems.append(errors.required(f"{where}.topologyKey", "can not be empty"))
        problems += [
            errors.invalid_value(f"{where}.topologyKey", key, m)
            for m in (names.label_key(key) if key else ())
        ]
        if not unsatisfiable:
            problems.append(errors.required(f"{where}.whenUnsatisfiable", "can not be empty"))
        elif unsatisfiable not in ("DoNotSchedule", "ScheduleAnyway"):
            supported = ("DoNotSchedule", "ScheduleAnyway")
            problems.append(errors.not_supported(f"{where}.whenUnsatisfiable", unsatisfiable, supported))
        if constraint.get("labelSelector") is not None:
            text = "constraint must not define a selector, as they deduced for each pod"
            problems.append(errors.forbidden_field(f"{where}.labelSelector", text))
        if (key, unsatisfiable) in seen:
            problems.append(errors.duplicate(where, f"{{{key}, {unsatisfiable}}}"))
        seen.add((key, unsatisfiable))
    return PodTopologySpreadArgs(tuple(constraints), kind)


def _volume_binding(args: Obj, path: str, problems: list[FieldError]) -> VolumeBindingArgs:
    timeout = args.get("bindTimeoutSeconds", 600)
    if timeout < 0:
        text = "invalid BindTimeoutSeconds, should not be a negative value"
        problems.append(errors.invalid_value(f"{path}.bindTimeoutSeconds", timeout, text))
    if not args.get("shape"):
        return VolumeBindingArgs(float(timeout))
    shape = _shape(args)
    _check_shape(shape, f"{path}.shape", problems)
    return VolumeBindingArgs(float(timeout), shape)


def _dynamic_resources(args: Obj, path: str, problems: list[FieldError]) -> DynamicResourcesArgs:
    filtering = _seconds(args.get("filterTimeout", "10s"), f"{path}.filterTimeout", problems)
    binding = _seconds(args.get("bindingTimeout", "600s"), f"{path}.bindingTimeout", problems)
    if filtering < 0:
        text = "must be zero or positive"
        problems.append(errors.invalid_value(f"{path}.filterTimeout", args["filterTimeout"], text))
    if binding < 1:
        text = "must be at least 1 second"
        problems.append(errors.invalid_value(f"{path}.bindingTimeout", args["bindingTimeout"], text))
    return DynamicResourcesArgs(filtering, binding)


def _seconds(text: str, path: str, problems: list[FieldError]) -> float:
    try:
        return parse_duration(text).ns / 1e9
    except ValueError as error:
        problems.append(errors.invalid_value(path, text, str(error)))
        return 1.0


_READERS: Mapping[str, Callable[[Obj, str, list[FieldError]], object]] = {
    "DefaultPreemption": _default_preemption,
    "DynamicResources": _dynamic_resources,
    "InterPodAffinity": _inter_pod_affinity,
    "NodeAffinity": _node_affinity,
    "NodeResourcesBalancedAllocation": _balanced_allocation,
    "NodeResourcesFit": _node_resources_fit,
    "PodTopologySpread": _pod_topology_spread,
    "VolumeBinding": _volume_binding,
}


def _ignoring(resources: frozenset[str], args: tuple[object, ...]) -> tuple[object, ...]:
    """What extenders look after is not NodeResourcesFit's business. Source: scheduler.go, buildExtenders."""
    fit = next((one for one in args if isinstance(one, NodeResourcesFitArgs)), NodeResourcesFitArgs())
    others = tuple(one for one in args if not isinstance(one, NodeResourcesFitArgs))
    return (*others, replace(fit, ignored_resources=fit.ignored_resources | resources))


# -- extenders ---------------------------------------------------------------------------------------------------


def _extender(found: Obj) -> Extender:
    problems: list[FieldError] = []
    timeout_s = _seconds(found.get("httpTimeout") or "0s", "extenders.httpTimeout", problems)
    if problems:
        raise Invalid(errors.aggregate(problems))
    managed = found.get("managedResources") or ()
    return Extender(
        url_prefix=found.get("urlPrefix") or "",
        filter_verb=found.get("filterVerb") or "",
        preempt_verb=found.get("preemptVerb") or "",
        prioritize_verb=found.get("prioritizeVerb") or "",
        bind_verb=found.get("bindVerb") or "",
        weight=found.get("weight") or 0,
        timeout_s=timeout_s or 5.0,
        is_node_cache_capable=bool(found.get("nodeCacheCapable")),
        is_ignorable=bool(found.get("ignorable")),
        managed_resources=frozenset(one["name"] for one in managed),
        enable_https=bool(found.get("enableHTTPS")),
        tls=found.get("tlsConfig") or {},
    )
