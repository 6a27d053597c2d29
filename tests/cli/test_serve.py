"""What a person sees when a cluster is ready, and while it is not."""

import io
from pathlib import Path

from kubepy.cli.serve import Progress, banner
from kubepy.daemon.config import Config
from kubepy.daemon.instance import Instance

HERE = Instance(
    pid=1, server="https://127.0.0.1:6443", nodes=3, ephemeral=False, started="2026-01-01T00:00:00Z", version="0.1.0"
)  # fmt: skip


def test_the_banner():
    config = Config(data_dir=str(Path.home() / "x"), kubernetes_version="1.37")
    assert banner(config, HERE, 0.61) == (
        "kubepy 0.1 · Kubernetes v1.37 · ready in 0.6 s\n"
        "  API server   https://127.0.0.1:6443\n"
        "  kubeconfig   export KUBECONFIG=$HOME/x/kubeconfig\n"
        "  nodes        3 simulated"
    )


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_overwrites_itself_on_a_terminal_and_is_silent_elsewhere():
    screen, file = Terminal(), io.StringIO()
    for stream in (screen, file):
        progress = Progress(stream)
        progress("loading pods")
        progress.clear()
        progress.clear()
    assert screen.getvalue() == "\r\x1b[Kloading pods …\r\x1b[K"
    assert file.getvalue() == ""
