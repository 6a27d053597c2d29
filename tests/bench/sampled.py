"""`kubepy` under a sampling profiler: python tests/bench/sampled.py FILE up --nodes 100 ...

As often as the kernel's timer allows it notes who works (a controller, the scheduler, a client of the API server ...)
and in which room of the house. A signal is heard between two of Python's steps: what C took counts for what follows it.
SIGUSR1 starts anew, SIGUSR2 writes the counts to FILE as JSON.
"""

from __future__ import annotations

import json
import signal
import sys
from collections import Counter
from types import FrameType

PERIOD_S = 0.001
COMPONENTS = ("/kubepy/controllers/", "/kubepy/scheduler/", "/kubepy/kubelet/")


class Sampler:
    def __init__(self, path: str) -> None:
        self._path = path
        self._counts: Counter[tuple[str, str, str]] = Counter()  # (who, room, function)

    def start(self) -> None:
        signal.signal(signal.SIGPROF, self._sample)
        signal.signal(signal.SIGUSR1, lambda *_: self._counts.clear())
        signal.signal(signal.SIGUSR2, lambda *_: self._write())
        signal.setitimer(signal.ITIMER_PROF, PERIOD_S, PERIOD_S)

    def _sample(self, _: int, frame: FrameType | None) -> None:
        frames = []
        while frame is not None:
            if "/kubepy/" in frame.f_code.co_filename:
                frames.append(frame)
            frame = frame.f_back
        if not frames:
            self._counts["loop", "loop", ""] += 1
            return
        code = frames[0].f_code
        place = code.co_filename.rpartition("/kubepy/")[2]
        self._counts[who(frames), place.rpartition("/")[0] or place, f"{place}:{code.co_qualname}"] += 1

    def _write(self) -> None:
        rows = [[*key, count] for key, count in self._counts.items()]
        with open(self._path, "w") as file:
            json.dump(rows, file)


def who(frames: list[FrameType]) -> str:
    """From the outermost: whose task it is; of tasks that serve several, whose function was called first."""
    for frame in reversed(frames):
        path = frame.f_code.co_filename
        if path.endswith("client/controller.py"):
            name = getattr(frame.f_locals.get("self"), "name", "")
            if name:
                return name
        if path.endswith("client/events.py"):
            return "events"
        if any(room in path for room in COMPONENTS):
            room, _, rest = path.rpartition("/kubepy/")[2].partition("/")
            return room if room != "controllers" else rest.removesuffix(".py")
    outermost = frames[
        -2 if len(frames) > 1 and frames[-1].f_code.co_filename.endswith("cli/serve.py") else -1
    ]
    place = outermost.f_code.co_filename.rpartition("/kubepy/")[2]
    return {"client/reflector.py": "informers"}.get(place, place)


def main() -> None:
    from kubepy.cli import main as command

    Sampler(sys.argv[1]).start()
    sys.argv[:2] = ["kubepy"]
    sys.exit(command())


if __name__ == "__main__":
    main()
