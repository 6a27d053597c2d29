"""Reference text made from code. `--check` changes nothing and fails when a file is stale."""

import asyncio
import sys
from pathlib import Path

import coverage_table

from kubepy.daemon import config_file
from kubepy.testing import journey

ROOT = Path(__file__).resolve().parent.parent


def _one_pod() -> str:
    return journey.render(asyncio.run(journey.travel()))


TEXTS = {
    "config/kubepy.yaml": config_file.documented,
    "docs/COVERAGE.md": coverage_table.render,
    "docs/one-pod.md": _one_pod,
}


def main() -> int:
    texts = {path: make() for path, make in TEXTS.items()}
    stale = [path for path, text in texts.items() if not _same(ROOT / path, text)]
    if "--check" in sys.argv:
        for path in stale:
            print(f"{path} is stale: run scripts/docs", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        (ROOT / path).write_text(texts[path])
        print(f"wrote {path}")
    return 0


def _same(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text


if __name__ == "__main__":
    sys.exit(main())
