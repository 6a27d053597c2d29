"""`kubepy why` at the door of a scheduler that is a process of its own."""

from __future__ import annotations

import orjson
import pytest

from kubepy.apiserver.request import Query, Request
from kubepy.daemon import why_door
from kubepy.daemon.why_door import WhyDoor
from kubepy.testing.builders import make_node, make_pod
from kubepy.testing.cluster import Cluster

SERVER = "https://127.0.0.1:6443"


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))


class Asked(Request):
    __slots__ = ("given",)

    def __init__(self, path: str, query: Query, given: str) -> None:
        super().__init__("GET", path, query, "id")
        self.given = given

    def header(self, name: str, default: str = "") -> str:
        return self.given if name.lower() == "authorization" else default


def ask(door, path, key=""):
    path, _, query = path.partition("?")
    answer = door.answer(Asked(path, Query(query), f"Bearer {key}"))
    return answer.status, orjson.loads(answer.body)


def test_it_is_found_by_the_servers_address_and_only_while_it_is_open():
    door, other = WhyDoor(SERVER), WhyDoor(SERVER)
    assert why_door.find(SERVER) is None
    door.open("http://127.0.0.1:1", None)
    assert why_door.find(SERVER + "/").url == "http://127.0.0.1:1"
    assert why_door.path_of(SERVER).stat().st_mode & 0o077 == 0
    assert why_door.find("https://elsewhere:6443") is None
    other.open("http://127.0.0.1:2", None)
    # The file is the other's now.
    door.close()
    assert why_door.find(SERVER).url == "http://127.0.0.1:2"
    other.close()
    assert why_door.find(SERVER) is None


def test_who_has_no_key_is_told_nothing():
    door = WhyDoor(SERVER)
    door.open("http://127.0.0.1:1", None)
    key = why_door.find(SERVER).key
    assert ask(door, "/why/default/web")[0] == 401
    assert ask(door, "/why/default/web", "guess")[0] == 401
    assert ask(door, "/why/default/web", key)[0] == 503
    assert ask(door, "/why/default", key)[0] == 404


@pytest.mark.kubepy(nodes=0, controllers=("serviceaccount-controller",))
async def test_the_scheduler_says_why(cluster: Cluster):
    await cluster.create(make_node("node-1"))
    await cluster.create(make_pod("web").requests(cpu="100"))
    await cluster.settle()
    door = WhyDoor(SERVER)
    door.open("http://127.0.0.1:1", cluster.plane.scheduler)
    key = why_door.find(SERVER).key
    code, found = ask(door, "/why/default/web?nodes=1", key)
    assert code == 200 and found["metadata"]["name"] == "web"
    assert ask(door, "/why/default/nobody", key) == (
        404,
        {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": 'pods "nobody" not found', "code": 404},
    )  # fmt: skip
