"""One daemon for all that clumsy and hostile clients try; no test may make it fail."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.conftest import Daemon

pytest.register_assert_rewrite("tests.e2e.bad_input.door")

from tests.e2e.bad_input.door import API, DEPLOYMENTS, MAPS, Door, settled  # noqa: E402 - after the line above


@pytest.fixture(scope="package")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    directory = tmp_path_factory.mktemp("bad")
    tokens = directory / "tokens.csv"
    tokens.write_text('admin-token,admin,1,"system:masters"\nuser-token,jane,2,"dev"\n')
    daemon = Daemon(
        directory / "cluster", "--token-auth-file", str(tokens), "--etcd-compaction-interval", "2s"
    )
    daemon.start()
    yield daemon
    log = (daemon.directory / "kubepy.log").read_text()
    assert daemon.stop() == 0, daemon.errors
    for sign in ("Traceback", "request_failed", "answer_failed", "task_died"):
        assert sign not in log + daemon.output + daemon.errors


@pytest.fixture(scope="package")
def door(cluster: Daemon) -> Iterator[Door]:
    door = Door(cluster)
    assert door.ask("POST", "/api/v1/namespaces", {"metadata": {"name": "bad"}}).status == 201
    cluster.wait(
        "the namespace's account", lambda: door.ask("GET", f"{API}/serviceaccounts/default").status == 200
    )
    assert door.ask("POST", MAPS, {"metadata": {"name": "a"}, "data": {"x": "1"}}).status == 201
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": 0, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    assert door.ask("POST", DEPLOYMENTS, {"metadata": {"name": "d"}, "spec": spec}).status == 201
    yield door
    settled(cluster, door)
    assert door.ask("GET", "/readyz").body == b"ok", "nothing is left of it all"
    door.close()


@pytest.fixture(autouse=True)
def no_failure(cluster: Daemon, door: Door) -> Iterator[None]:
    """Names the test that made the daemon fail."""
    log = cluster.directory / "kubepy.log"
    before = log.stat().st_size
    yield
    with log.open("rb") as lines:
        lines.seek(before)
        assert b"Traceback" not in lines.read()
