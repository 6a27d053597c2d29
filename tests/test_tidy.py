"""The house reads its own source: maps in the rooms, words for every setting, nothing left over."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from kubepy.daemon.config import SETTINGS

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "kubepy").rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Dotted names a module imports, with the names taken from them."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_every_module_says_what_it_is_for(path):
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert docstring and len(docstring) > 20


def test_no_module_is_dead():
    used = set().union(*(imported(path) for path in MODULES))
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


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_nothing_is_left_for_later_in_the_source(path):
    assert not re.search(r"\b(TODO|FIXME|XXX|HACK)\b", path.read_text())


def test_every_script_is_in_the_scripts_readme():
    text = (ROOT / "scripts" / "README.md").read_text()
    verbs = [p.name for p in (ROOT / "scripts").iterdir() if p.suffix == "" and not p.name.startswith("_")]
    assert [verb for verb in verbs if f"`{verb}`" not in text] == []


def test_links_in_the_documents_lead_somewhere():
    for document in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def files_named_in(text: str) -> set[str]:
    """Paths and names of modules; not those of globs, nor of upstream's files."""
    return set(re.findall(r"(?<![\w/{}*,.-])(?:[a-z_]+/)*[a-z][a-z_]*\.py\b", text))


@pytest.mark.parametrize(
    "path", [*MODULES, *sorted((ROOT / "docs").rglob("*.md"))], ids=lambda path: path.name
)
def test_files_that_are_spoken_of_exist(path):
    known = {
        module.name
        for module in [*MODULES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "scripts").glob("*.py")]
    }
    text = path.read_text()
    if path.suffix == ".py":
        text = ast.get_docstring(ast.parse(text)) or ""
    for name in files_named_in(text):
        folder, _, file = name.rpartition("/")
        places = [ROOT, ROOT / "kubepy", path.parent, path.parent.parent]
        assert any((place / name).exists() for place in places) if folder else file in known, name


def events() -> set[str]:
    """The first word of every line that a component logs."""
    found = set()
    for node in (node for path in MODULES for node in ast.walk(ast.parse(path.read_text()))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            is_log = ast.unparse(node.func.value).rpartition(".")[2] in ("log", "_log")
            if is_log and node.func.attr in ("debug", "info", "warning", "error"):
                first = node.args[0]
                names = [first.body, first.orelse] if isinstance(first, ast.IfExp) else [first]
                for name in names:
                    assert isinstance(name, ast.Constant), f"an event has a fixed name: {ast.unparse(node)}"
                    found.add(name.value)
    return found


def test_events_of_the_log_are_stable_words():
    named = events()
    assert len(named) > 100
    assert [event for event in named if not re.fullmatch("[a-z]+(_[a-z]+)*", event)] == []


def test_upstreams_switches_are_settings():
    upstream = {
        "controllers", "token-auth-file", "client-ca-file", "authorization-mode", "enable-admission-plugins",
        "disable-admission-plugins", "anonymous-auth", "service-cluster-ip-range", "tls-cert-file",
        "tls-private-key-file", "service-account-issuer",
    }  # fmt: skip
    assert upstream <= set(SETTINGS)
