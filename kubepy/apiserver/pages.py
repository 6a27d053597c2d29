"""Pages for people who look after a server: /statusz, /flagz and /metrics/slis.

The first two are text, or a Statusz or Flagz of config.k8s.io to whoever asks for that.

Differs: the text's delimiter is not drawn; goVersion tells of Python; the flags are those of `kubepy up`; the page is
there whatever --kubernetes-version says (upstream: since 1.36).

Source: apiserver pkg/server/{statusz,flagz}/*.go, component-base metrics/prometheus/slis.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

import orjson

from kubepy.api.objects import Obj
from kubepy.apiserver.handlers import negotiate
from kubepy.apiserver.request import Handler, Request, Response
from kubepy.lib import yaml
from kubepy.lib.clock import Clock, rfc3339
from kubepy.observability.health import Checks
from kubepy.observability.metrics import CONTENT_TYPE

STATUSZ, FLAGZ, SLIS = "/statusz", "/flagz", "/metrics/slis"

_GROUP, _VERSIONS, _DEPRECATED = "config.k8s.io", ("v1alpha1", "v1beta1"), "v1alpha1"
_COMPONENT = "apiserver"
_TEXT = "text/plain; charset=utf-8"
_WARNING = (
    "Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is "
    "for debugging purposes only."
)
# What is not there to find faults by.
_NOT_DEBUGGING = frozenset({"api", "apis", "openid", "openapi", ".well-known", "index.html", ""})


def statusz(*, clock: Clock, version: str, listed: Callable[[], Iterable[str]]) -> Handler:
    """`version` of Kubernetes: "1.37"; `listed`: all paths of the server."""
    started, began = clock.now(), clock.monotonic()

    def fields() -> Obj:
        return {
            "startTime": rfc3339(started),
            "uptimeSeconds": int(clock.monotonic() - began),
            "goVersion": f"python{platform.python_version()}",
            "binaryVersion": f"{version}.0",
            "emulationVersion": version,
            "paths": debugging_paths(listed()),
        }

    def text() -> str:
        said = fields()
        up = said["uptimeSeconds"]
        rows = {
            "Started": datetime.fromtimestamp(started, UTC).strftime("%a %b %e %H:%M:%S UTC %Y"),
            "Up": f"{up // 3600} hr {up // 60 % 60:02d} min {up % 60:02d} sec",
            "Go version": said["goVersion"],
            "Binary version": said["binaryVersion"],
            "Emulation version": said["emulationVersion"],
            "Paths": " ".join(said["paths"]),
        }
        return "\n" + _lines(rows)

    return _page("Statusz", fields, text)


def flagz(flags: Mapping[str, str]) -> Handler:
    def fields() -> Obj:
        return {"flags": dict(sorted(flags.items()))}

    def text() -> str:
        return _lines(dict(sorted(flags.items())))

    return _page("Flagz", fields, text)


def _lines(rows: Mapping[str, str]) -> str:
    return "".join(f"{name}: {value}\n" for name, value in rows.items())


def debugging_paths(listed: Iterable[str]) -> list[str]:
    """The first parts of paths, those that help to find faults."""
    heads = {path.split("/")[1] for path in listed}
    return [f"/{head}" for head in sorted(heads - _NOT_DEBUGGING)]


def _page(kind: str, fields: Callable[[], Obj], text: Callable[[], str]) -> Handler:
    name = kind.lower()

    async def handle(request: Request) -> Response:
        wanted = negotiate.of_page(request.accept, kind, _GROUP, _VERSIONS)
        if not wanted.kind:
            return Response(200, f"\n{_COMPONENT} {name}\n{_WARNING}\n{text()}".encode(), _TEXT)
        obj = {
            "kind": kind,
            "apiVersion": f"{_GROUP}/{wanted.version}",
            "metadata": {"name": _COMPONENT},
            **fields(),
        }
        if wanted.version == _DEPRECATED:
            request.warnings.append(
                f"This version of the {name} endpoint is deprecated. Please use a newer version."
            )
        is_yaml = wanted.media_type == negotiate.YAML
        body = yaml.dump(obj, sort_keys=True).encode() if is_yaml else orjson.dumps(obj) + b"\n"
        content_type = f"{wanted.media_type};g={_GROUP};v={wanted.version};as={kind}"
        return Response(200, body, content_type)

    return handle


def slis(checks: Checks, *, started: float) -> Handler:
    """How each health check did; DELETE forgets. `started` in seconds since the epoch."""

    async def handle(request: Request) -> Response:
        if request.method == "DELETE":
            checks.forget_results()
            return Response(200, b"metrics reset\n", _TEXT)
        return Response(200, exposition(checks, started).encode(), CONTENT_TYPE)

    return handle


def exposition(checks: Checks, started: float) -> str:
    latest = (
        (f'name="{name}",type="{group}"', int(is_well))
        for (name, group), is_well in sorted(checks.latest.items())
    )
    results = (
        (f'name="{name}",status="{status}",type="{group}"', count)
        for name, status, group, count in sorted(
            (name, "success" if is_well else "error", group, count)
            for (name, group, is_well), count in checks.results.items()
        )
    )
    lines = [
        *_metric("kubernetes_healthcheck", "gauge", "This metric records the result of a single healthcheck.", latest),
        *_metric(
            "kubernetes_healthchecks_total", "counter", "This metric records the results of all healthcheck.", results
        ),
        "# HELP process_start_time_seconds [ALPHA] Start time of the process since unix epoch in seconds.",
        "# TYPE process_start_time_seconds gauge",
        f"process_start_time_seconds {started}",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _metric(name: str, kind: str, help_: str, rows: Iterable[tuple[str, int]]) -> Iterable[str]:
    told = [f"{name}{{{labels}}} {value}" for labels, value in rows]
    return [f"# HELP {name} [STABLE] {help_}", f"# TYPE {name} {kind}", *told] if told else []


def pages(
    listed: Callable[[], Iterable[str]],
    *,
    checks: Checks,
    flags: Mapping[str, str],
    clock: Clock,
    version: str,
) -> dict[str, Handler]:
    """All of them, by path."""
    return {
        FLAGZ: flagz(flags),
        SLIS: slis(checks, started=clock.now()),
        STATUSZ: statusz(clock=clock, version=version, listed=listed),
    }
