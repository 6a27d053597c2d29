"""In a pytest of its own, as a user's project runs it."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

FAILING = """
import pytest
from kubepy.testing.builders import make_pod

@pytest.mark.asyncio
@pytest.mark.kubepy(nodes=1)
async def test_it(cluster):
    await cluster.create(make_pod("a-pod-of-this-test"))
    await cluster.advance("5s")
    assert False
"""


def run_pytest(directory, *options):
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "kubepy.testing.plugin", *options, str(directory)],
        cwd=directory,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_failed_test_shows_what_its_cluster_logged(tmp_path):
    (tmp_path / "test_it.py").write_text(FAILING)
    done = run_pytest(tmp_path, "-p", "pytest_asyncio.plugin", "--strict-markers")
    assert done.returncode == 1
    assert "kubepy log" in done.stdout
    assert "pod_bound" in done.stdout
    assert "a-pod-of-this-test" in done.stdout


def test_without_pytest_asyncio_nothing_breaks(tmp_path):
    (tmp_path / "test_it.py").write_text("def test_it(): pass")
    assert run_pytest(tmp_path).returncode == 0


def test_the_plugin_imports_nothing_of_the_house():
    code = "import sys, kubepy.testing.plugin; print([m for m in sys.modules if m.startswith('kubepy')])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "['kubepy', 'kubepy.testing', 'kubepy.testing.plugin']"
