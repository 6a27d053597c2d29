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
        ("parallelism: many", "parallelism has to be a whole number"),
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


def test_a_file_of_another_kind():
    with pytest.raises(configuration.Invalid, match='no kind "Pod" is registered for version "v1"'):
        configuration.parse("apiVersion: v1\nkind: Pod\n")


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
    with pytest.raises(ValueError, match="profile default-scheduler: unknown plugin Mine"):
        await world.start(found)
