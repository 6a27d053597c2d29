import pytest

from kubepy.kubelet import durations


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("1.5", 1.5),
        ("1m30s", 90),
        ("250ms", 0.25),
        ("2h", 7200),
        ("soon", None),
        ("5x", None),
        ("-3", 0),
    ],
)
def test_durations_are_read(text, seconds):
    assert durations.parse_s(text) == seconds


@pytest.mark.parametrize(("seconds", "text"), [(10, "10s"), (80, "1m20s"), (300, "5m0s"), (3661, "1h1m1s")])
def test_and_printed_as_go_does(seconds, text):
    assert durations.render(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(0, "0s"), (0.25, "250ms"), (1.5, "1.5s"), (90, "1m30s")])
def test_with_fractions(seconds, text):
    assert durations.render_exact(seconds) == text
