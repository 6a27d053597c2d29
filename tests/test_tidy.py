"""The house reads its own source: maps in the rooms, words for every setting, nothing left over."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from kubepy.daemon.config import SETTINGS

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "kubepy").rglob("*.py"))
NAMES = {path.name for room in ("kubepy", "tests", "scripts") for path in (ROOT / room).rglob("*.py")}


class Source(NamedTuple):
    """What these tests want to know of a module."""

    docstring: str
    imports: set[str]  # dotted names, with the names taken from them
    events: set[str]  # the first word of every line that it logs


@cache
def source(path: Path) -> Source:
    module = ast.parse(path.read_text())
    found = Source(ast.get_docstring(module) or "", set(), set())
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            found.imports.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.imports.update((node.module, *(f"{node.module}.{alias.name}" for alias in node.names)))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            found.events.update(events(node, node.func))
    return found


def events(call: ast.Call, function: ast.Attribute) -> Iterator[str]:
    if function.attr not in ("debug", "info", "warning", "error"):
        return
    if ast.unparse(function.value).rpartition(".")[2] in ("log", "_log"):
        first = call.args[0]
        for name in [first.body, first.orelse] if isinstance(first, ast.IfExp) else [first]:
            assert isinstance(name, ast.Constant), f"an event has a fixed name: {ast.unparse(call)}"
            yield name.value


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_every_module_says_what_it_is_for():
    assert [dotted(path) for path in MODULES if len(source(path).docstring) <= 20] == []


def test_no_module_is_dead():
    used = set().union(*(source(path).imports for path in MODULES))
    # Entered from outside: the command, the pytest plugin, and what users import.
    doors = {
        "kubepy",
        "kubepy.__main__",
        "kubepy.cli",
        "kubepy.testing",
        "kubepy.testing.plugin",
        "kubepy.testing.journey",
        "kubepy.client.leader",
        "kubepy.client.kubeconfig",
    }
    doors |= {dotted(path) for path in MODULES if "contracts" in path.parts}
    dead = [
        name for path in MODULES if (name := dotted(path)) not in used | doors and path.name != "__init__.py"
    ]
    assert dead == []


def test_nothing_is_left_for_later_in_the_source():
    later = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    assert [dotted(path) for path in MODULES if later.search(path.read_text())] == []


def test_every_decision_is_in_the_index():
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text()
    pages = list(folder.glob("0*.md"))
    assert [page.name for page in pages if f"]({page.name})" not in index] == []
    assert [
        page.name for page in pages if page.read_text().splitlines()[0].partition(". ")[2] not in index
    ] == []


def test_every_script_is_in_the_scripts_readme():
    text = (ROOT / "scripts" / "README.md").read_text()
    verbs = [p.name for p in (ROOT / "scripts").iterdir() if p.suffix == "" and not p.name.startswith("_")]
    assert [verb for verb in verbs if f"`{verb}`" not in text] == []


def test_links_in_the_documents_lead_somewhere():
    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def files_named_in(text: str) -> set[str]:
    """Paths and names of modules; not those of globs, nor of upstream's files."""
    return set(re.findall(r"(?<![\w/{}*,.-])(?:[a-z_]+/)*[a-z][a-z_]*\.py\b", text))


def exists(file: str, spoken_of_in: Path) -> bool:
    folder, _, name = file.rpartition("/")
    places = [ROOT, ROOT / "kubepy", spoken_of_in.parent, spoken_of_in.parent.parent]
    return any((place / file).exists() for place in places) if folder else name in NAMES


def test_files_that_are_spoken_of_exist():
    texts = {path: source(path).docstring for path in MODULES}
    texts |= {path: path.read_text() for path in (ROOT / "docs").rglob("*.md")}
    named = [(path, file) for path, text in texts.items() for file in files_named_in(text)]
    assert len(named) > 300
    assert [(path.name, file) for path, file in named if not exists(file, path)] == []


def test_events_of_the_log_are_stable_words():
    named = set().union(*(source(path).events for path in MODULES))
    assert len(named) > 100
    assert [event for event in named if not re.fullmatch("[a-z]+(_[a-z]+)*", event)] == []


def test_upstreams_switches_are_settings():
    upstream = {
        "controllers", "token-auth-file", "client-ca-file", "authorization-mode", "enable-admission-plugins",
        "disable-admission-plugins", "anonymous-auth", "service-cluster-ip-range", "tls-cert-file",
        "tls-private-key-file", "service-account-issuer",
    }  # fmt: skip
    assert upstream <= set(SETTINGS)
