import io

import orjson
import pytest

from kubepy.lib.clock import VirtualClock
from kubepy.observability.logs import LogFile, Logs, select, silent


def test_one_event_reaches_both_sinks(tmp_path):
    stream = io.StringIO()
    logs = Logs(VirtualClock(0.0), stream=stream, file=LogFile(tmp_path / "kubepy.log"))
    logs.of("scheduler").info("pod_bound", object="default/web-0", node="node-1", note="two words")
    logs.of("scheduler").debug("below_the_level")
    logs.close()
    assert stream.getvalue() == (
        '00:00:00.000 info    scheduler                pod_bound  object=default/web-0 node=node-1 note="two words"\n'
    )
    (line,) = (tmp_path / "kubepy.log").read_bytes().splitlines()
    assert orjson.loads(line) == {
        "time": "1970-01-01T00:00:00.000000Z", "level": "info", "component": "scheduler", "event": "pod_bound",
        "object": "default/web-0", "node": "node-1", "note": "two words",
    }  # fmt: skip


def test_an_exception_becomes_text(tmp_path):
    logs = Logs(VirtualClock(), form="json", stream=(stream := io.StringIO()))
    logs.of("x").error("broke", exc_info=ValueError("why"))
    event = orjson.loads(stream.getvalue())
    assert event["error"] == "ValueError: why" and "ValueError" in event["traceback"]


def test_a_terminal_that_went_away_does_not_stop_the_file(tmp_path):
    stream = io.StringIO()
    logs = Logs(VirtualClock(), stream=stream, file=LogFile(tmp_path / "kubepy.log"))
    stream.close()
    logs.of("x").info("one")
    logs.of("x").info("two")
    assert len((tmp_path / "kubepy.log").read_bytes().splitlines()) == 2
    logs.close()


def test_the_file_is_private_and_rotates(tmp_path):
    path = tmp_path / "kubepy.log"
    file = LogFile(path, size_bytes_max=10)
    for number in range(3):
        file.write(b"line %d ------\n" % number)
    file.close()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_bytes() == b"line 2 ------\n"
    assert (tmp_path / "kubepy.log.1").read_bytes() == b"line 1 ------\n"


LINES = [
    b'{"level":"info","component":"scheduler","event":"pod_bound","object":"default/web-0"}\n',
    b'{"level":"error","component":"kubelet","event":"x","object":"kube-system/dns"}\n',
    b'{"level":"info","comp',
]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["pod_bound", "x"]),
        ({"component": "sched"}, ["pod_bound"]),
        ({"object_": "kube-system/"}, ["x"]),
        ({"level": "warning"}, ["x"]),
        ({"component": "kubelet", "object_": "web"}, []),
    ],
)
def test_select_filters_and_passes_over_torn_lines(filters, found):
    assert [event["event"] for event in select(LINES, **filters)] == found


def test_silence_is_silent(capsys):
    silent().error("nobody_hears", x=1)
    assert capsys.readouterr() == ("", "")


def test_a_hushed_stream_gets_what_matters_and_the_file_everything(tmp_path):
    stream = io.StringIO()
    logs = Logs(VirtualClock(), stream=stream, file=LogFile(tmp_path / "kubepy.log"))
    logs.hush("warning")
    logs.of("x").info("one")
    logs.of("x").warning("two")
    logs.hush("debug")
    logs.of("x").info("three")
    logs.close()
    assert [line.split()[3] for line in stream.getvalue().splitlines()] == ["two", "three"]
    assert len((tmp_path / "kubepy.log").read_bytes().splitlines()) == 3
