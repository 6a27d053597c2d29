"""`kubepy why` where the scheduler is a process of its own: a door on its health port, and how it is found.

    scheduler    writes ~/.kubepy/schedulers/<of the API server's address>.json: where it listens, and a key
    kubepy why   asks the API server first; where that does not know (any Kubernetes), reads this file and asks there

The key is a bearer token drawn anew at each start, the file readable for its owner only: whoever runs the scheduler may
ask it, and nobody else. Only the scheduler that holds the lease is there to be found.
"""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path
from typing import NamedTuple

import orjson

from kubepy.api.objects import Key
from kubepy.apiserver.request import Request, Response
from kubepy.daemon.pki import write_private
from kubepy.lib.random import Random
from kubepy.scheduler.scheduler import Scheduler

_NODES_DEFAULT, _NODES_MAX = 50, 5000
_JSON = "application/json"


class Address(NamedTuple):
    url: str
    key: str


def path_of(server: str) -> Path:
    """The file about the scheduler of this API server."""
    name = hashlib.sha256(server.rstrip("/").encode()).hexdigest()[:16]
    return Path.home() / ".kubepy" / "schedulers" / f"{name}.json"


def find(server: str) -> Address | None:
    """Where its scheduler says why; None if none runs here."""
    try:
        found = orjson.loads(path_of(server).read_bytes())
        return Address(found["url"], found["key"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


class WhyDoor:
    def __init__(self, server: str) -> None:
        self._path = path_of(server)
        # Never from a seed: it is a secret.
        self._key = Random().token().hex()
        self._decider: object = None  # a Scheduler

    def open(self, url: str, decider: object) -> None:
        """It works, and answers at `url`. Raises OSError."""
        self._decider = decider
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(self._path, orjson.dumps({"url": url, "key": self._key}))

    def close(self) -> None:
        """It works no more. The file goes if it is still this one's."""
        self._decider = None
        try:
            if orjson.loads(self._path.read_bytes()).get("key") == self._key:
                self._path.unlink()
        except (OSError, ValueError, AttributeError):
            pass

    def answer(self, request: Request) -> Response:
        """GET /why/NAMESPACE/NAME."""
        given = (request.header("authorization") or "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self._key.encode()):
            return _refusal(401, "Unauthorized")
        parts = request.path.strip("/").split("/")
        if len(parts) != 3:
            return _refusal(404, "it is /why/NAMESPACE/NAME")
        scheduler = self._decider
        if not isinstance(scheduler, Scheduler):
            return _refusal(503, "this scheduler stands by; another holds the lease")
        if not scheduler.is_synced:
            return _refusal(503, "the scheduler still reads what is there")
        pod = scheduler.pod(Key(parts[1], parts[2]))
        if pod is None:
            return _refusal(404, f'pods "{parts[2]}" not found')
        wanted = request.query.integer("nodes")
        nodes_max = _NODES_DEFAULT if wanted is None else max(0, min(wanted, _NODES_MAX))
        return Response(200, orjson.dumps(scheduler.why(pod, nodes_max=nodes_max)), _JSON)


def _refusal(code: int, message: str) -> Response:
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}
    return Response(code, orjson.dumps(status), _JSON)
