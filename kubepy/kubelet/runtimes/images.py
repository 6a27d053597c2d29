"""Images that nobody pulls: which exist, and how a container runtime names them. Pure.

Every image exists but those whose names tests everywhere use for images that do not; an annotation of the pod
decides otherwise (see runtimes/fake.py).
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

# Source: kubernetes test/e2e/apps (webserver:404, foo:non-existent, redislave:nonexistent).
_MISSING = re.compile(
    r":404$|non-?exist|does-?not-?exist|no-such|not-?found|invalid|bad-?(image|tag)|imagepullbackoff|"
    r"(^|/)missing(:|$)|[^a-z0-9](bogus|typo)|^(bogus|typo)|\.invalid/",
    re.IGNORECASE,
)
# A cluster has many containers of few images.
_remembered = lru_cache(maxsize=1024)
_PAUSE = re.compile(r"(^|/)pause([-:@]|$)")


@_remembered
def is_missing(image: str) -> bool:
    return _MISSING.search(image) is not None


def is_pause(image: str) -> bool:
    return _PAUSE.search(image) is not None


def pull_error(image: str) -> str:
    """What containerd answers for an image that is not there."""
    name = canonical(image)
    return (
        f'rpc error: code = NotFound desc = failed to pull and unpack image "{name}": '
        f'failed to resolve reference "{name}": {name}: not found'
    )


@_remembered
def canonical(image: str) -> str:
    """As a container runtime reports it: docker.io/library/nginx:latest."""
    last = image.rsplit("/", 1)[-1]
    tagged = image if ":" in last or "@" in last else f"{image}:latest"
    first, slash, _ = tagged.partition("/")
    if not slash:
        return f"docker.io/library/{tagged}"
    return tagged if "." in first or ":" in first or first == "localhost" else f"docker.io/{tagged}"


@_remembered
def image_id(image: str) -> str:
    """The repository with a digest that is the same for the same image, as a registry's would be."""
    name = canonical(image)
    repository = name.split("@")[0]
    if ":" in repository.rsplit("/", 1)[-1]:
        repository = repository.rpartition(":")[0]
    return f"{repository}@sha256:{hashlib.sha256(name.encode()).hexdigest()}"


# What it takes to ask a registry whether an image is still the one that is there: imagePullPolicy Always.
CHECK_S = 0.4


def size_bytes(image: str) -> int:
    """10 to 110 MB, always the same for the same image."""
    digest = hashlib.sha256(canonical(image).encode()).digest()
    return 10_000_000 + int.from_bytes(digest[:4], "big") % 100_000_000


@_remembered
def is_malformed(image: str) -> bool:
    """Repositories are in lower case. Source: distribution/reference, ErrNameNotCanonical."""
    first, slash, rest = image.partition("/")
    repository = rest if slash and ("." in first or ":" in first) else image
    return _name_of(repository) != _name_of(repository).lower()


def _name_of(repository: str) -> str:
    name = repository.split("@")[0]
    return name.rpartition(":")[0] if ":" in name.rsplit("/", 1)[-1] else name


def malformed(image: str) -> str:
    """What the kubelet says of such a name. Source: images/image_manager.go, pkg/util/parsers."""
    name = _name_of(image)
    path = name if "/" in name else f"library/{name}"
    return (
        f'Failed to apply default image tag "{image}": couldn\'t parse image name "{image}": '
        f"invalid reference format: repository name ({path}) must be lowercase"
    )
