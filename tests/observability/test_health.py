import pytest

from kubepy.observability.health import Checks


def checks(reason: str | None = None) -> Checks:
    made = Checks()
    made.add("store", lambda: reason)
    made.add("informers", lambda: None, groups=("readyz",))
    return made


def test_all_well_is_ok_in_two_letters():
    report = checks().run("readyz")
    assert (report.ok, report.text) == (True, "ok")


def test_verbose_names_every_check_as_kube_apiserver_does():
    assert checks().run("livez", verbose=True).text == "[+]ping ok\n[+]store ok\nlivez check passed\n"


def test_a_failure_is_named_but_its_reason_withheld():
    report = checks("disk full").run("readyz")
    assert not report.ok
    assert report.text == (
        "[+]ping ok\n[-]store failed: reason withheld\n[+]informers ok\nreadyz check failed\n"
    )
    assert checks("disk full").failing("readyz") == [("store", "disk full")]


def test_excluded_checks_do_not_count_and_unknown_ones_are_warned_of():
    assert checks("disk full").run("livez", exclude=["store"]).ok
    assert checks("disk full").run("livez", exclude=["store"], verbose=True).text == (
        "[+]ping ok\n[+]store excluded: ok\nlivez check passed\n"
    )
    unknown = ["informers", "foo"]
    assert checks().run("livez", exclude=unknown).text == "ok"
    assert checks().run("livez", exclude=unknown, verbose=True).text == (
        "[+]ping ok\n[+]store ok\n"
        'warn: some health checks cannot be excluded: no matches for "foo","informers"\nlivez check passed\n'
    )


def test_a_step_of_the_start_fails_until_it_is_done():
    made = Checks()
    made.add_step("first", "poststarthook/a")
    made.add_step("second", "poststarthook/b")
    made.add_step("first", "poststarthook/c")
    made.finish("first")
    assert made.run("livez").text == (
        "[+]ping ok\n[+]poststarthook/a ok\n[-]poststarthook/b failed: reason withheld\n[+]poststarthook/c ok\n"
        "livez check failed\n"
    )
    report = made.run_one("livez", "poststarthook/b")
    assert report is not None and report.text == "internal server error: not finished\n"


@pytest.mark.parametrize(("name", "ok"), [("store", False), ("ping", True)])
def test_one_check(name, ok):
    report = checks("disk full").run_one("readyz", name)
    assert report is not None and report.ok is ok


def test_a_check_of_another_group_is_not_there():
    assert checks().run_one("livez", "informers") is None
