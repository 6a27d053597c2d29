from kubepy.scheduler.plugins.scheduling_gates import SchedulingGates
from tests.scheduler.builders import pod_info


def test_a_gated_pod_waits_for_all_its_gates():
    plugin = SchedulingGates()
    assert plugin.pre_enqueue(pod_info()) is None
    status = plugin.pre_enqueue(pod_info(schedulingGates=[{"name": "foo"}, {"name": "bar"}]))
    assert status.message == "waiting for scheduling gates: [foo bar]"
