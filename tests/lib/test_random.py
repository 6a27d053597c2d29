import re

from kubepy.lib.random import ALPHANUMS, Random


def test_a_seed_replays():
    def sample(random: Random) -> list[object]:
        return [
            random.uid(),
            random.suffix(),
            random.token(8),
            random.jitter(1.0),
            random.choice("abc"),
            random.index(9),
        ]

    assert sample(Random(1)) == sample(Random(1)) != sample(Random(2))


def test_a_stream_does_not_hear_of_the_others():
    whole, drained = Random(1), Random(1)
    for _ in range(10):
        drained.stream("scheduler").uid()
        drained.uid()
    assert drained.stream("kubelet").uid() == whole.stream("kubelet").uid() != whole.stream("scheduler").uid()
    assert Random().stream("kubelet").uid() != Random().stream("kubelet").uid()


def test_a_uid_is_a_version_4_uuid():
    uid = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
    assert all(uid.fullmatch(Random().uid()) for _ in range(50))


def test_what_the_system_gave_in_advance_is_used_once():
    random = Random()
    drawn = [random.token(8) for _ in range(1000)] + [random.token(8000)]
    assert len(set(drawn)) == 1001 and [len(token) for token in drawn[-2:]] == [8, 8000]


def test_suffix_has_no_vowels_and_jitter_stays_within():
    random = Random(3)
    assert set(random.suffix(200)) <= set(ALPHANUMS)
    assert all(10 <= random.jitter(10, 0.5) <= 15 for _ in range(100))
    assert sorted(random.shuffled([3, 1, 2])) == [1, 2, 3]
