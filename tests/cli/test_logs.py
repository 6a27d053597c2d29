"""Lines of the log, the last of them, and those to come."""

import io

from kubepy import cli
from kubepy.cli.logs import tail, written


def test_a_line_that_is_still_being_written_is_left_to_be_read():
    file = io.BytesIO(b"a\nb\nhal")
    assert list(written(file)) == [b"a\n", b"b\n"]
    assert file.read() == b"hal"


def test_the_last_lines_are_the_last_that_match(tmp_path, capsys):
    events = [("scheduler", "pod_bound"), ("scheduler", "pod_not_scheduled"), ("kubelet", "pod_stage")]
    lines = [f'{{"component": "{component}", "event": "{event}"}}\n' for component, event in events]
    (tmp_path / "kubepy.log").write_text("".join(lines))
    cli.main(["logs", "-n", "1", "--component", "scheduler", "--data-dir", str(tmp_path)])
    assert capsys.readouterr().out.split() == ["scheduler", "pod_not_scheduled"]


def test_a_tail_joins_halves_of_a_line_and_goes_on_in_the_next_file(tmp_path, monkeypatch):
    path = tmp_path / "kubepy.log"
    path.write_bytes(b"old\nhal")

    def write_on():
        with path.open("ab") as file:
            file.write(b"f\nfull\n")

    def rotate():
        with path.open("ab") as file:
            file.write(b"late\n")
        path.rename(tmp_path / "kubepy.log.1")
        path.write_bytes(b"new\n")

    acts = iter([write_on, rotate])
    monkeypatch.setattr("kubepy.lib.clock.pause", lambda seconds: next(acts)())
    with path.open("rb") as file:
        lines = tail(file, path)
        assert [next(lines) for _ in range(5)] == [b"old\n", b"half\n", b"full\n", b"late\n", b"new\n"]
        lines.close()
