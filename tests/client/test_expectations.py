from kubepy.api.objects import Key
from kubepy.client.expectations import TIMEOUT_S, Expectations

WEB = Key("default", "web")


def test_nothing_expected_is_satisfied(clock):
    assert Expectations(clock).satisfied(WEB)


def test_creations_are_counted_down(clock):
    expectations = Expectations(clock)
    expectations.expect_creations(WEB, 2)
    assert not expectations.satisfied(WEB)
    expectations.creation_observed(WEB)
    assert not expectations.satisfied(WEB)
    expectations.creation_observed(WEB)
    assert expectations.satisfied(WEB)
    expectations.creation_observed(WEB)
    expectations.raise_creations(WEB, 1)
    assert not expectations.satisfied(WEB)


def test_deletions_are_expected_by_name(clock):
    expectations = Expectations(clock)
    expectations.expect_deletions(WEB, ["a", "b"])
    expectations.deletion_observed(WEB, "c")
    expectations.deletion_observed(WEB, "a")
    expectations.deletion_observed(WEB, "a")
    assert not expectations.satisfied(WEB)
    expectations.deletion_observed(WEB, "b")
    assert expectations.satisfied(WEB)


async def test_what_is_never_seen_is_forgotten_after_five_minutes(clock):
    expectations = Expectations(clock)
    expectations.expect_creations(WEB, 1)
    await clock.advance(TIMEOUT_S)
    assert not expectations.satisfied(WEB)
    await clock.advance(1)
    assert expectations.satisfied(WEB)


def test_a_forgotten_owner_expects_nothing(clock):
    expectations = Expectations(clock)
    expectations.expect_creations(WEB, 1)
    expectations.forget(WEB)
    assert expectations.satisfied(WEB)
