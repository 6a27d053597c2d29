import pytest

from kubepy.scheduler import configuration
from kubepy.scheduler.args import (
    DefaultPreemptionArgs,
    DynamicResourcesArgs,
    NodeResourcesFitArgs,
    PodTopologySpreadArgs,
    ResourceWeight,
    ShapePoint,
    VolumeBindingArgs,
)
from kubepy.scheduler.profiles import DEFAULT_PLUGINS, Configuration, PluginSet

HEAD = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"


def parse(text=""):
    return configuration.parse(HEAD + text)


def with_args(plugin, args):
    return f"profiles: [{{pluginConfig: [{{name: {plugin}, args: {args}}}]}}]"


def test_an_empty_file_is_the_default():
    assert parse() == Configuration()


def test_multi_point_sets_replace_add_and_take_away():
    (profile,) = parse(
        """
profiles:
- plugins:
    multiPoint:
      enabled: [{name: Mine}, {name: NodeAffinity, weight: 7}]
      disabled: [{name: ImageLocality}]
"""
    ).profiles
    names = [name for name, _ in DEFAULT_PLUGINS if name != "ImageLocality"]
    assert [name for name, _ in profile.plugins] == [*names, "Mine"]
    assert dict(profile.plugins)["NodeAffinity"] == 7
    assert dict(profile.plugins)["Mine"] == 1


def test_star_takes_all_away():
    (profile,) = parse("profiles: [{plugins: {multiPoint: {disabled: [{name: '*'}]}}}]").profiles
    assert profile.plugins == ()


def test_extension_points_keep_their_own_sets():
    (profile,) = parse(
        "profiles: [{plugins: {score: {enabled: [{name: NodeResourcesFit, weight: 5}], disabled: [{name: '*'}]}}}]"
    ).profiles
    assert profile.plugins == DEFAULT_PLUGINS
    assert profile.points == {"score": PluginSet((("NodeResourcesFit", 5),), frozenset({"*"}))}


@pytest.mark.parametrize(
    ("plugin", "args", "expected"),
    [
        ("DefaultPreemption", "{minCandidateNodesPercentage: 30}", DefaultPreemptionArgs(30, 100)),
        (
            "NodeResourcesFit",
            "{ignoredResources: [a/b]}",
            NodeResourcesFitArgs(ignored_resources=frozenset({"a/b"})),
        ),
        (
            "NodeResourcesFit",
            "{scoringStrategy: {type: RequestedToCapacityRatio, resources: [{name: cpu, weight: 3}, {name: a/gpu}], "
            "requestedToCapacityRatio: {shape: [{utilization: 0, score: 0}, {utilization: 100, score: 10}]}}}",
            NodeResourcesFitArgs(
                strategy="RequestedToCapacityRatio",
                resources=(ResourceWeight("cpu", 3), ResourceWeight("a/gpu")),
                shape=(ShapePoint(0, 0), ShapePoint(100, 10)),
            ),
        ),
        ("PodTopologySpread", "{defaultingType: List}", PodTopologySpreadArgs((), "List")),
        ("VolumeBinding", "{bindTimeoutSeconds: 30}", VolumeBindingArgs(30.0)),
        (
            "VolumeBinding",
            "{shape: [{utilization: 0, score: 0}, {utilization: 100, score: 10}]}",
            VolumeBindingArgs(shape=(ShapePoint(0, 0), ShapePoint(100, 10))),
        ),
        ("DynamicResources", "{filterTimeout: 0s, bindingTimeout: 1m}", DynamicResourcesArgs(0.0, 60.0)),
    ],
)
def test_arguments(plugin, args, expected):
    (profile,) = parse(with_args(plugin, args)).profiles
    assert profile.args == (expected,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("foo: 1", 'strict decoding error: unknown field "foo"'),
        ("profiles: [{foo: 1}]", 'strict decoding error: unknown field "profiles[0].foo"'),
        (
            with_args("NodeResourcesFit", "{x: 1}"),
            "strict decoding error: decoding .profiles[0].pluginConfig[0]: strict decoding error: "
            'decoding args for plugin NodeResourcesFit: strict decoding error: unknown field "x"',
        ),
        (
            "parallelism: many",
            "json: cannot unmarshal string into Go struct field KubeSchedulerConfiguration.parallelism of type int32",
        ),
        (
            "parallelism: 1.5",
            "json: cannot unmarshal number 1.5 into Go struct field KubeSchedulerConfiguration.parallelism of type "
            "int32",
        ),
        # The keys in order, as the file becomes JSON.
        (
            "profiles: [7]\nextenders: {}",
            "json: cannot unmarshal object into Go struct field KubeSchedulerConfiguration.extenders of type "
            "[]v1.Extender",
        ),
        (
            "profiles: [{plugins: {filter: {enabled: [{name: 3}]}}}]",
            "json: cannot unmarshal number into Go struct field Plugin.profiles.plugins.filter.enabled.name of type "
            "string",
        ),
        (
            "profiles: [{plugins: 7}]",
            "json: cannot unmarshal number into Go struct field KubeSchedulerProfile.profiles.plugins of type "
            "v1.Plugins",
        ),
        (
            "leaderElection: {leaseDuration: 15}",
            "json: cannot unmarshal number into Go struct field LeaderElectionConfiguration.leaderElection."
            "leaseDuration of type string",
        ),
        (
            with_args("NodeResourcesFit", "{ignoredResources: 5}"),
            "decoding .profiles[0].pluginConfig[0]: decoding args for plugin NodeResourcesFit: json: cannot unmarshal "
            "number into Go struct field NodeResourcesFitArgs.ignoredResources of type []string",
        ),
        (
            "foo: 7\nbar: 1\nprofiles: [{zip: 1}]",
            'strict decoding error: unknown field "bar", unknown field "foo", unknown field "profiles[0].zip"',
        ),
        (
            with_args("NodeResourcesFit", "{kind: VolumeBindingArgs}"),
            "decoding .profiles[0].pluginConfig[0]: args for plugin NodeResourcesFit were not of type "
            "NodeResourcesFitArgs.kubescheduler.config.k8s.io, got VolumeBindingArgs.kubescheduler.config.k8s.io",
        ),
        ("clientConnection: {burst: -1}", "clientConnection.burst: Invalid value: -1: must be non-negative"),
        (
            "leaderElection: {leaseDuration: 1s, renewDeadline: 5s}",
            'leaderElection.leaseDuration: Invalid value: "5s": must be greater than `RenewDeadline`',
        ),
        (
            "leaderElection: {leaseDuration: 0s, renewDeadline: -1s}",
            'leaderElection.renewDeadline: Invalid value: "-1s": must be greater than zero',
        ),
        (
            "profiles: [{schedulerName: a}, {schedulerName: a}]",
            "profiles[1].schedulerName: Duplicate value: {}",
        ),
        (
            "profiles: [{schedulerName: a}, {schedulerName: b, plugins: {queueSort: {disabled: [{name: '*'}], "
            "enabled: [{name: Foo}]}}}]",
            'profiles[1].plugins.queueSort: Invalid value: {"Enabled":[{"Name":"Foo","Weight":0}],'
            '"Disabled":[{"Name":"*","Weight":0}]}: must be the same for all profiles',
        ),
        (
            "parallelism: 0\npercentageOfNodesToScore: 101",
            "[parallelism: Invalid value: 0: should be an integer value greater than zero, "
            "percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]]",
        ),
        ("profiles: [{schedulerName: a}, {}]", "profiles[1].schedulerName: Required value"),
        ("podInitialBackoffSeconds: 0", "podInitialBackoffSeconds: Invalid value: 0: must be greater than 0"),
        (
            "podInitialBackoffSeconds: 20",
            "podMaxBackoffSeconds: Invalid value: 10: must be greater than or equal to PodInitialBackoffSeconds",
        ),
        (
            "leaderElection: {resourceLock: endpoints}",
            'leaderElection.resourceLock: Invalid value: "endpoints": resourceLock value must be "leases"',
        ),
        (
            "extenders: [{urlPrefix: a, prioritizeVerb: p}]",
            "extenders[0].weight: Invalid value: 0: must have a positive weight applied to it",
        ),
        (
            "extenders: [{bindVerb: b}, {bindVerb: b}]",
            'extenders: Invalid value: "found 2 extenders implementing bind": only one extender can implement bind',
        ),
        (
            "extenders: [{managedResources: [{name: cpu}]}]",
            'extenders[0].managedResources[0].name: Invalid value: "cpu": is an invalid extended resource name',
        ),
        (
            with_args("InterPodAffinity", "{hardPodAffinityWeight: 101}"),
            "profiles[0].pluginConfig[0].args.hardPodAffinityWeight: Invalid value: 101: not in valid range [0, 100]",
        ),
        (
            with_args("VolumeBinding", "{shape: [{utilization: 0, score: 11}]}"),
            "profiles[0].pluginConfig[0].args.shape[0].score: Invalid value: 11: not in valid range [0, 10]",
        ),
        (
            with_args("DefaultPreemption", "{minCandidateNodesPercentage: 0, minCandidateNodesAbsolute: 0}"),
            "[profiles[0].pluginConfig[0].args.minCandidateNodesPercentage: Invalid value: 0: cannot be zero at the "
            "same time as minCandidateNodesAbsolute, profiles[0].pluginConfig[0].args.minCandidateNodesAbsolute: "
            "Invalid value: 0: cannot be zero at the same time as minCandidateNodesPercentage]",
        ),
        (
            with_args("NodeResourcesFit", "{scoringStrategy: {type: RequestedToCapacityRatio}}"),
            "profiles[0].pluginConfig[0].args.scoringStrategy.requestedToCapacityRatio: Required value: "
            "must be specified when type is RequestedToCapacityRatio",
        ),
        (
            with_args("NodeResourcesFit", "{scoringStrategy: {type: Best}}"),
            'profiles[0].pluginConfig[0].args.scoringStrategy.type: Unsupported value: "Best": supported values: '
            '"LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"',
        ),
        (
            with_args("PodTopologySpread", "{defaultConstraints: [{maxSkew: 1, topologyKey: zone, "
                      "whenUnsatisfiable: ScheduleAnyway}]}"),
            'profiles[0].pluginConfig[0].args.defaultingType: Invalid value: "System": '
            "when .defaultConstraints are not empty",
        ),
        (
            with_args("NodeResourcesBalancedAllocation", "{resources: [{name: cpu, weight: 2}]}"),
            "profiles[0].pluginConfig[0].args.resources[0].weight: Invalid value: 2: must be 1",
        ),
        (
            with_args("DynamicResources", "{bindingTimeout: 10ms}"),
            'profiles[0].pluginConfig[0].args.bindingTimeout: Invalid value: "10ms": must be at least 1 second',
        ),
    ],
)  # fmt: skip
def test_what_kube_scheduler_refuses(text, message):
    with pytest.raises(configuration.Invalid) as refused:
        parse(text)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "apiVersion: v1\nkind: Pod\n",
            'no kind "Pod" is registered for version "v1" in scheme "pkg/scheduler/apis/config/scheme/scheme.go:29"',
        ),
        ("foo: 1\n", "Object 'Kind' is missing in 'foo: 1\n'"),
        ("kind: Pod\n", "Object 'apiVersion' is missing in 'kind: Pod\n'"),
        ("", "Object 'Kind' is missing in ''"),
        (
            "[]",
            "couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type struct { "
            r"""APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }""",
        ),
    ],
)
def test_a_file_of_another_kind(text, message):
    with pytest.raises(configuration.Invalid) as refused:
        configuration.parse(text)
    assert str(refused.value) == message


async def test_profiles_decide_by_their_own_plugins(world):
    found = parse(
        """
profiles:
- schedulerName: spread
- schedulerName: pack
  pluginConfig:
  - {name: NodeResourcesFit, args: {scoringStrategy: {type: MostAllocated}}}
  plugins: {score: {disabled: [{name: '*'}], enabled: [{name: NodeResourcesFit}]}}
"""
    )
    await world.start(found)
    await world.add_node("node-1", cpu="4")
    await world.add_node("node-2", cpu="8")
    await world.add_pod("one", cpu="1", schedulerName="pack")
    await world.add_pod("two", cpu="1", schedulerName="spread")
    assert await world.node_of("one") == "node-1"
    assert await world.node_of("two") == "node-2"


async def test_a_plugin_that_nobody_knows(world):
    found = parse("profiles: [{plugins: {filter: {enabled: [{name: Mine}]}}}]")
    with pytest.raises(ValueError, match='default-scheduler: FilterPlugin "Mine" does not exist'):
        await world.start(found)
