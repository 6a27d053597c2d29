"""A `Why` (why.py) for a person: the conclusion first, then node by node, then what would change it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubepy.api.objects import Obj
from kubepy.scheduler.why_words import counted, seconds

_VICTIMS_SHOWN = 3


def render(why: Obj) -> str:
    sections = [_headline(why), _nodes(why), _preemption(why), _queue(why), _attempts(why)]
    return "\n\n".join("\n".join(lines) for section in sections if (lines := list(section))) + "\n"


def _headline(why: Obj) -> Iterator[str]:
    yield f"{why['conclusion']}."


def _nodes(why: Obj) -> Iterator[str]:
    nodes: list[Obj] = why.get("nodes") or []
    fit = [node for node in nodes if node["fits"]]
    if fit:
        if why.get("nodeName"):
            yield "If it had to be placed again now:"
        # Weights are the same on every node.
        plugins = [(one["plugin"], one["weight"]) for one in fit[0]["scores"]]
        head = [
            "NODE",
            "SCORE",
            *(f"{name}{f'×{weight}' if weight != 1 else ''}" for name, weight in plugins),
        ]
        rows = [
            [
                f"{node['name']}{' *' if node['name'] == why.get('nodeName') else ''}",
                str(node["score"]),
                *(str(one["weight"] * one["score"]) for one in node["scores"]),
            ]
            for node in fit
        ]
        yield from _aligned([head, *rows])
    rejected = [node for node in nodes if not node["fits"]]
    if rejected:
        if fit:
            yield ""
        yield from _aligned(
            [["NODE", "REJECTED BY", "WHY"], *(row for node in rejected for row in _rejections(node))]
        )
    if more := why.get("nodesTotal", 0) - len(nodes):
        yield f"... and {counted(more, 'more node')}"


def _rejections(node: Obj) -> Iterator[list[str]]:
    name = node["name"]
    for one in node["rejections"]:
        kept = f" (with {', '.join(node['keptFor'])} there)" if node.get("keptFor") else ""
        yield [name, one["plugin"], one["detail"] + kept]
        name = ""


def _preemption(why: Obj) -> Iterator[str]:
    found = why.get("preemption")
    if found is None:
        return
    if found.get("refusal"):
        yield f"Preemption: {found['refusal'].removeprefix('preemption: ')}"
    elif not found["candidates"]:
        yield "Preemption: no node would fit if pods of lower priority left it"
    else:
        yield f"Preemption would make room on {counted(len(found['candidates']), 'node')}, the best first"
        yield from _aligned([[f"  {one['node']}", f"evicts {_victims(one)}"] for one in found["candidates"]])


def _victims(candidate: Obj) -> str:
    victims = candidate["victims"]
    shown = [f"{v['namespace']}/{v['name']} (priority {v['priority']})" for v in victims[:_VICTIMS_SHOWN]]
    more = len(victims) - len(shown) + candidate.get("victimsElsewhere", 0)
    if more:
        shown.append(f"{more} more")
    violations = candidate["budgetViolations"]
    return ", ".join(shown) + (f", against {counted(violations, 'disruption budget')}" if violations else "")


def _queue(why: Obj) -> Iterator[str]:
    queue = why.get("queue")
    if queue is None:
        return
    tried = f"tried {counted(queue['attempts'], 'time')}" if queue["attempts"] else "not tried yet"
    yield f"Queue: {queue['place']}, waiting for {seconds(queue['secondsWaiting'])}, {tried}"
    if queue.get("nominatedNodeName"):
        yield f"Nominated: {queue['nominatedNodeName']}"
    if queue.get("wakes"):
        yield "Tried again after"
        yield from _aligned([[f"  {one['event']}", ", ".join(one["plugins"])] for one in queue["wakes"]])
        if "secondsToRetry" in queue:
            yield f"  or in {seconds(queue['secondsToRetry'])} anyway"
    elif "secondsToRetry" in queue:
        yield f"Tried again in {seconds(queue['secondsToRetry'])}"


def _attempts(why: Obj) -> Iterator[str]:
    attempts: list[Obj] = why.get("attempts") or []
    if attempts:
        rows = [["ATTEMPT", "TIME", "OUTCOME"]]
        for one in attempts:
            clock = one["time"].partition("T")[2][:12]
            outcome = (
                one.get("message")
                or f"{one['node']}: {one['feasible']} of {one['nodes']} fit, score {one['score']}"
            )
            rows.append([str(one["attempt"]), clock, outcome])
        yield from _aligned(rows)


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield "   ".join(cells).rstrip()
