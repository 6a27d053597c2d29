"""Lines of the log, the last of them, and those to come."""

import io

from kubepy.cli.logs import last, tail


def test_the_last_lines():
    assert list(last(io.BytesIO(b"a\nb\nc\n"), 2)) == [b"b\n", b"c\n"]
    assert list(last(io.BytesIO(b"a\nb\n"), 0)) == [b"a\n", b"b\n"]


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
        lines = tail(file, path, 0)
        assert [next(lines) for _ in range(5)] == [b"old\n", b"half\n", b"full\n", b"late\n", b"new\n"]
        lines.close()
