"""The house reads its own source: maps in the rooms, words for every setting, nothing left over."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from kubepy.daemon import config

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


def test_upstreams_switches_are_settings():
    upstream = {
        "controllers", "token-auth-file", "client-ca-file", "authorization-mode", "enable-admission-plugins",
        "disable-admission-plugins", "anonymous-auth", "service-cluster-ip-range", "tls-cert-file",
        "tls-private-key-file", "service-account-issuer",
    }  # fmt: skip
    assert upstream <= set(config.FIELDS)
