"""`kubepy why` and `kubepy why-not`: questions to the server about its own decisions, answered in words."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from kubepy.cli import cluster
from kubepy.cli.arguments import Parser, fail, load, number, output, place

if TYPE_CHECKING:
    from kubepy.api.objects import Obj
    from kubepy.client.kubeconfig import Access

_OF_WHY = """\
  kubepy why pod/web-0                       which nodes fit it and which do not
  kubepy why -n shop pod/db -o yaml          the whole answer, as data
"""
_OF_WHY_NOT = """\
  kubepy why-not --as jane create deployments
  kubepy why-not --as system:serviceaccount:shop:ci -n shop get pods/log
  kubepy why-not --as jane --as-group ops get /metrics
"""


def declare(root: Parser) -> None:
    why = root.command("why", _why, "say why a pod is where it is, or is nowhere", examples=_OF_WHY)
    place(why)
    why.add_argument("pod", metavar="pod/NAME", help="the pod that is asked about")
    why.add_argument(
        "-n", "--namespace", default="default", metavar="NAMESPACE", help="where it is; default default"
    )
    why.add_argument(
        "--nodes", type=number, default=50, metavar="N", help="tell about so many nodes one by one"
    )
    output(why)

    why_not = root.command(
        "why-not",
        _why_not,
        "say which role lets somebody do something, or which come nearest",
        examples=_OF_WHY_NOT,
    )
    place(why_not)
    why_not.add_argument("verb", metavar="VERB", help="get, list, create ...")
    why_not.add_argument(
        "resource", metavar="RESOURCE|/PATH", help="pods, deployments.apps, pods/log, /metrics"
    )
    why_not.add_argument("object", nargs="?", default="", metavar="NAME", help="of one object only")
    why_not.add_argument("--as", dest="user", required=True, metavar="USER", help="who wants it")
    why_not.add_argument(
        "--as-group", dest="groups", action="append", default=[], metavar="GROUP",
        help="a group that USER is in; may come several times",
    )  # fmt: skip
    why_not.add_argument(
        "-n", "--namespace", default="default", metavar="NAMESPACE", help="where; default default"
    )
    why_not.add_argument("-A", "--all-namespaces", action="store_true", help="in the whole cluster")
    output(why_not)


def _why(options: argparse.Namespace) -> None:
    kind, _, name = options.pod.rpartition("/")
    if kind not in ("", "pod", "pods", "po") or not name:
        fail(f'only pods have a why: pod/NAME, not "{options.pod}"')
    path = f"/api/v1/namespaces/{options.namespace}/pods/{name}/why"
    query = {"nodes": str(options.nodes)}
    found = _answer(options, path, query, otherwise=f"/why/{options.namespace}/{name}")
    if options.output:
        print(_rendered(found, options.output), end="")
        return
    from kubepy.scheduler import why_text

    print(why_text.render(found), end="")


def _why_not(options: argparse.Namespace) -> None:
    query = [("user", options.user), *(("group", group) for group in options.groups), ("verb", options.verb)]
    if options.resource.startswith("/"):
        query.append(("path", options.resource))
    else:
        query += [("resource", options.resource), ("name", options.object)]
        query.append(("namespace", "" if options.all_namespaces else options.namespace))
    path = f"/apis/authorization.k8s.io/v1/subjectaccessreviews/any/why?{urlencode(query)}"
    found = _answer(options, path, {})
    if options.output:
        print(_rendered(found, options.output), end="")
        return
    from kubepy.apiserver.authz import why

    print(why.render(found), end="")


def _answer(options: argparse.Namespace, path: str, query: dict[str, str], *, otherwise: str = "") -> Obj:
    """What the server says, asked as the kubeconfig's user, or as the cluster's own admin. `otherwise`: where its
    scheduler is asked, if that is a process of its own."""
    import asyncio

    from kubepy.api.errors import StatusError
    from kubepy.client import kubeconfig
    from kubepy.client.transport import ConnectionLost

    if not options.kubeconfig:
        config = load(options)
        cluster.running(config)
        options.kubeconfig = str(config.directory / "kubeconfig")
    try:
        access = kubeconfig.load(options.kubeconfig)
        return asyncio.run(_ask(access, path, query, otherwise))
    except (kubeconfig.Unusable, StatusError, ConnectionLost) as error:
        fail(str(error))


async def _ask(access: Access, path: str, query: dict[str, str], otherwise: str) -> Obj:
    from kubepy.api.errors import NotFound, ServiceUnavailable
    from kubepy.client.kubeconfig import Access
    from kubepy.daemon import why_door

    try:
        return await _get(access, path, query)
    except (NotFound, ServiceUnavailable):
        # A server that is not kubepy, or whose scheduler is elsewhere.
        door = why_door.find(access.server) if otherwise else None
        if door is None:
            raise
        return await _get(Access(door.url, token=door.key), otherwise, query)


async def _get(access: Access, path: str, query: dict[str, str]) -> Obj:
    from kubepy.lib.clock import RealClock
    from kubepy.lib.random import Random

    transport = access.transport(clock=RealClock(), random=Random(None))
    try:
        found: Obj = (await transport.request("GET", path, query=query)).obj
        return found
    finally:
        await transport.close()


def _rendered(found: Obj, form: str) -> str:
    if form == "json":
        import orjson

        return orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n"
    from kubepy.lib import yaml

    return yaml.dump(found)
