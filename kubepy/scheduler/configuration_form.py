"""What a KubeSchedulerConfiguration v1 file looks like: which fields there are, and of what type in Go.

A file of another form is refused in the words of Go's decoder: the first wrong type in the order of the keys, or all
unknown fields.

Source: staging/src/k8s.io/kube-scheduler/config/v1/{types,types_pluginargs}.go,
component-base config/v1alpha1/types.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from kubepy.scheduler.profiles import EXTENSION_POINTS


class Struct(NamedTuple):
    """A Go struct. A field's type is a struct, the name of a scalar, or a list of one of them."""

    name: str  # "KubeSchedulerProfile"
    package: str  # as Go's messages call it: "v1"
    fields: Mapping[str, Any]


_JSON_KINDS: Mapping[type, str] = {
    str: "string",
    bool: "bool",
    int: "number",
    float: "number",
    list: "array",
    dict: "object",
}
_INT32_MAX = 2**31 - 1


def misfit(value: Any, form: Struct) -> str:
    """The first value of a wrong type, in the decoder's words; "" if there is none."""
    return _misfit(value, form, form, "")


def unknown_fields(value: Any, form: Any, path: str = "") -> list[str]:
    """Paths of fields that there are not."""
    if isinstance(form, list):
        return [
            found
            for at, item in enumerate(value or ())
            for found in unknown_fields(item, form[0], f"{path}[{at}]")
        ]
    if not isinstance(form, Struct) or value is None:
        return []
    found: list[str] = []
    for name in sorted(value):
        inner = f"{path}.{name}" if path else name
        found += unknown_fields(value[name], form.fields[name], inner) if name in form.fields else [inner]
    return found


def _misfit(value: Any, form: Any, holder: Struct, path: str) -> str:
    """`holder`: the struct whose field it is."""
    if value is None or form == "any":
        return ""
    if not _fits(value, form):
        kind = _JSON_KINDS[type(value)]
        if kind == "number" and form in ("int32", "int64"):
            kind = f"number {value}"
        where = f"struct field {holder.name}.{path}" if path else "value"
        return f"json: cannot unmarshal {kind} into Go {where} of type {_go_name(form)}"
    if isinstance(form, list):
        return next(filter(None, (_misfit(item, form[0], holder, path) for item in value)), "")
    if isinstance(form, Struct):
        for name in sorted(value.keys() & form.fields.keys()):
            if text := _misfit(value[name], form.fields[name], form, f"{path}.{name}" if path else name):
                return text
    return ""


def _fits(value: Any, form: Any) -> bool:
    if isinstance(form, list):
        return isinstance(value, list)
    if isinstance(form, Struct) or form == "object":
        return isinstance(value, dict)
    if isinstance(value, bool):
        return bool(form == "bool")
    if form == "int32":
        return isinstance(value, int) and abs(value) <= _INT32_MAX
    if form == "int64":
        return isinstance(value, int)
    if form == "float32":
        return isinstance(value, (int, float))
    return isinstance(value, str) and form in ("string", "duration")


def _go_name(form: Any) -> str:
    if isinstance(form, list):
        return f"[]{_go_name(form[0])}"
    if isinstance(form, Struct):
        return f"{form.package}.{form.name}"
    return {"duration": "string", "object": "map[string]interface {}"}.get(form, str(form))


def _v1(name: str, /, **fields: Any) -> Struct:
    return Struct(name, "v1", fields)


_TYPE = {"apiVersion": "string", "kind": "string"}
_PLUGIN = _v1("Plugin", name="string", weight="int32")
_PLUGIN_SET = _v1("PluginSet", enabled=[_PLUGIN], disabled=[_PLUGIN])
_PLUGINS = Struct("Plugins", "v1", dict.fromkeys((*EXTENSION_POINTS, "multiPoint"), _PLUGIN_SET))
_PROFILE = _v1(
    "KubeSchedulerProfile",
    schedulerName="string",
    percentageOfNodesToScore="int32",
    plugins=_PLUGINS,
    pluginConfig=[_v1("PluginConfig", name="string", args="any")],
)
_TLS = _v1(
    "ExtenderTLSConfig",
    insecure="bool",
    serverName="string",
    certFile="string",
    keyFile="string",
    caFile="string",
    certData="string",
    keyData="string",
    caData="string",
)
_EXTENDER = _v1(
    "Extender",
    urlPrefix="string",
    filterVerb="string",
    preemptVerb="string",
    prioritizeVerb="string",
    weight="int64",
    bindVerb="string",
    enableHTTPS="bool",
    tlsConfig=_TLS,
    httpTimeout="duration",
    nodeCacheCapable="bool",
    managedResources=[_v1("ExtenderManagedResource", name="string", ignoredByScheduler="bool")],
    ignorable="bool",
)
_ELECTION = Struct(
    "LeaderElectionConfiguration",
    "v1alpha1",
    {
        "leaderElect": "bool",
        "leaseDuration": "duration",
        "renewDeadline": "duration",
        "retryPeriod": "duration",
        "resourceLock": "string",
        "resourceName": "string",
        "resourceNamespace": "string",
    },
)
_CONNECTION = Struct(
    "ClientConnectionConfiguration",
    "v1alpha1",
    {
        "kubeconfig": "string",
        "acceptContentTypes": "string",
        "contentType": "string",
        "qps": "float32",
        "burst": "int32",
    },
)
CONFIGURATION = Struct(
    "KubeSchedulerConfiguration",
    "v1",
    {
        **_TYPE,
        "parallelism": "int32",
        "leaderElection": _ELECTION,
        "clientConnection": _CONNECTION,
        "enableProfiling": "bool",
        "enableContentionProfiling": "bool",
        "percentageOfNodesToScore": "int32",
        "podInitialBackoffSeconds": "int64",
        "podMaxBackoffSeconds": "int64",
        "profiles": [_PROFILE],
        "extenders": [_EXTENDER],
        "delayCacheUntilActive": "bool",
    },
)

_RESOURCE = _v1("ResourceSpec", name="string", weight="int64")
_SHAPE = [_v1("UtilizationShapePoint", utilization="int32", score="int32")]
_STRATEGY = _v1(
    "ScoringStrategy",
    type="string",
    resources=[_RESOURCE],
    requestedToCapacityRatio=_v1("RequestedToCapacityRatioParam", shape=_SHAPE),
)


def _args(name: str, /, **fields: Any) -> Struct:
    return Struct(f"{name}Args", "v1", {**_TYPE, **fields})


# plugin -> its arguments
ARGUMENTS: Mapping[str, Struct] = {
    "DefaultPreemption": _args(
        "DefaultPreemption", minCandidateNodesPercentage="int32", minCandidateNodesAbsolute="int32"
    ),
    "DynamicResources": _args("DynamicResources", filterTimeout="duration", bindingTimeout="duration"),
    "InterPodAffinity": _args(
        "InterPodAffinity", hardPodAffinityWeight="int32", ignorePreferredTermsOfExistingPods="bool"
    ),
    "NodeAffinity": _args("NodeAffinity", addedAffinity="object"),
    "NodeResourcesBalancedAllocation": _args("NodeResourcesBalancedAllocation", resources=[_RESOURCE]),
    "NodeResourcesFit": _args(
        "NodeResourcesFit",
        ignoredResources=["string"],
        ignoredResourceGroups=["string"],
        scoringStrategy=_STRATEGY,
    ),
    "PodTopologySpread": _args("PodTopologySpread", defaultConstraints=["object"], defaultingType="string"),
    "VolumeBinding": _args("VolumeBinding", bindTimeoutSeconds="int64", shape=_SHAPE),
}
