import pytest

from kubepy.api import placement

NOT_READY = {"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"}
DEDICATED = {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("toleration", "taint", "tolerated"),
    [
        ({"operator": "Exists"}, DEDICATED, True),
        ({"key": "dedicated", "operator": "Exists"}, DEDICATED, True),
        ({"key": "dedicated", "operator": "Equal", "value": "gpu"}, DEDICATED, True),
        ({"key": "dedicated", "value": "gpu"}, DEDICATED, True),
        ({"key": "dedicated", "value": "cpu"}, DEDICATED, False),
        ({"key": "other", "operator": "Exists"}, DEDICATED, False),
        ({"key": "dedicated", "operator": "Exists", "effect": "NoExecute"}, DEDICATED, False),
        ({"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}, DEDICATED, True),
        ({"key": "node.kubernetes.io/not-ready"}, NOT_READY, True),
        ({"key": "dedicated", "operator": "Gt", "value": "1"}, DEDICATED, False),
    ],
)
def test_tolerations(toleration, taint, tolerated):
    assert placement.tolerates(toleration, taint) is tolerated


def test_the_first_untolerated_taint_is_told():
    prefer = {"key": "p", "effect": "PreferNoSchedule"}
    taints = [prefer, NOT_READY, DEDICATED]
    assert placement.untolerated_taint(taints, []) is NOT_READY
    assert placement.untolerated_taint(taints, [{"key": NOT_READY["key"], "operator": "Exists"}]) is DEDICATED
    assert placement.untolerated_taint(taints, [{"operator": "Exists"}]) is None
    assert placement.untolerated_taint(taints, [], (placement.PREFER_NO_SCHEDULE,)) is prefer
    assert (
        placement.count_untolerated_preferences(taints, [{"operator": "Exists", "effect": "NoSchedule"}]) == 1
    )
    assert placement.count_untolerated_preferences(taints, [{"operator": "Exists"}]) == 0


def stays(seconds=None, **more):
    made = {"key": NOT_READY["key"], "operator": "Exists", "effect": "NoExecute"} | more
    return made | ({"tolerationSeconds": seconds} if seconds is not None else {})


@pytest.mark.parametrize(
    ("tolerations", "seconds"),
    [
        ([], -1),
        ([stays()], None),
        ([stays(300)], 300),
        ([stays(300), stays(10)], 300),  # the first that matches counts
        ([stays(), stays(10)], None),
        ([stays(300), stays()], 300),
        ([stays(-5)], 0),
    ],
)
def test_how_long_a_pod_may_stay(tolerations, seconds):
    assert placement.no_execute_seconds([NOT_READY, DEDICATED], tolerations) == seconds


def test_a_node_without_noexecute_taints_keeps_its_pods():
    assert placement.no_execute_seconds([DEDICATED], []) is None


def node(name="n1", **labels):
    return {"metadata": {"name": name, "labels": labels}}


def pod(required=None, selector=None, preferred=None):
    affinity = {}
    if required is not None:
        affinity["requiredDuringSchedulingIgnoredDuringExecution"] = {"nodeSelectorTerms": required}
    if preferred is not None:
        affinity["preferredDuringSchedulingIgnoredDuringExecution"] = preferred
    return {"spec": {"nodeSelector": selector, "affinity": {"nodeAffinity": affinity}}}


def expression(key, operator, *values):
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


def named(operator, *names):
    return {"matchFields": [{"key": "metadata.name", "operator": operator, "values": list(names)}]}


@pytest.mark.parametrize(
    ("made", "fits"),
    [
        (pod(), True),
        (pod(selector={"disk": "ssd"}), True),
        (pod(selector={"disk": "hdd"}), False),
        (pod([]), False),
        (pod([{}]), False),
        (pod([expression("disk", "In", "ssd", "x")]), True),
        (pod([expression("disk", "NotIn", "ssd")]), False),
        (pod([expression("disk", "Exists")]), True),
        (pod([expression("gpu", "DoesNotExist")]), True),
        (pod([expression("cores", "Gt", "7")]), True),
        (pod([expression("cores", "Lt", "8")]), False),
        (pod([expression("disk", "Near", "x")]), False),
        (pod([expression("disk", "In", "hdd"), expression("disk", "In", "ssd")]), True),
        (pod([expression("disk", "In", "ssd") | named("In", "n2")]), False),
        (pod([named("In", "n1")]), True),
        (pod([named("NotIn", "n1")]), False),
        (pod([expression("disk", "In", "ssd")], selector={"disk": "hdd"}), False),
    ],
)
def test_required_affinity(made, fits):
    assert placement.required_affinity(made).matches(node(disk="ssd", cores="8")) is fits


def test_the_nodes_a_pod_names():
    assert placement.required_affinity(pod()).node_names is None
    assert placement.required_affinity(pod([named("In", "a"), named("In", "b")])).node_names == {"a", "b"}
    assert placement.required_affinity(pod([named("In", "a"), expression("x", "Exists")])).node_names is None
    assert placement.required_affinity(pod([named("NotIn", "a")])).node_names is None


def test_preferences_add_up():
    preferred = [
        {"weight": 10, "preference": expression("disk", "In", "ssd")},
        {"weight": 5, "preference": expression("zone", "Exists")},
        {"weight": 3, "preference": {}},
        {"weight": 0, "preference": expression("disk", "Exists")},
    ]
    terms = placement.preferred_affinity(pod(preferred=preferred))
    assert [weight for weight, _ in terms] == [10, 5]
    assert placement.preference_score(terms, node(disk="ssd", zone="a")) == 15
    assert placement.preference_score(terms, node()) == 0


def test_an_invalid_term_says_why():
    assert placement.NodeTerm(expression("a", "Near")).error == '"Near" is not a valid node selector operator'
