"""Reference text made from code. `--check` changes nothing and fails when a file is stale."""

import sys
from pathlib import Path

from kubepy.daemon import config

ROOT = Path(__file__).resolve().parent.parent

TEXTS = {
    "config/kubepy.yaml": config.documented,
}


def main() -> int:
    stale = [path for path, make in TEXTS.items() if not _same(ROOT / path, make())]
    if "--check" in sys.argv:
        for path in stale:
            print(f"{path} is stale: run scripts/docs", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        (ROOT / path).write_text(TEXTS[path]())
        print(f"wrote {path}")
    return 0


def _same(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text


if __name__ == "__main__":
    sys.exit(main())
