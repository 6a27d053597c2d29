import pytest

from kubepy.kubelet.runtimes import images


@pytest.mark.parametrize(
    ("image", "missing"),
    [
        ("nginx", False), ("nginx:1.29", False), ("webserver:404", True), ("foo:non-existent", True),
        ("gcr.io/google_samples/gb-redisslave:nonexistent", True), ("registry.k8s.io/pause:3.10", False),
        ("does-not-exist", True), ("invalid.example/x", True), ("myapp:latest", False), ("dismissing:1", False),
    ],
)  # fmt: skip
def test_which_images_cannot_exist(image, missing):
    assert images.is_missing(image) is missing


@pytest.mark.parametrize(
    ("image", "canonical", "repository"),
    [
        ("nginx", "docker.io/library/nginx:latest", "docker.io/library/nginx"),
        ("a/b:1", "docker.io/a/b:1", "docker.io/a/b"),
        ("localhost:5000/x:2", "localhost:5000/x:2", "localhost:5000/x"),
        ("ghcr.io/a/b@sha256:00", "ghcr.io/a/b@sha256:00", "ghcr.io/a/b"),
    ],
)
def test_image_names(image, canonical, repository):
    assert images.canonical(image) == canonical
    assert images.image_id(image).startswith(f"{repository}@sha256:")


@pytest.mark.parametrize(
    ("image", "malformed"),
    [
        ("nginx:RC1", False),
        ("Nginx", True),
        ("a/B:1", True),
        ("Registry.io/a/b", False),
        ("x@sha256:AB", False),
    ],
)
def test_repositories_are_in_lower_case(image, malformed):
    assert images.is_malformed(image) is malformed


def test_what_the_kubelet_says_of_a_malformed_name():
    assert images.malformed("Nginx") == (
        'Failed to apply default image tag "Nginx": couldn\'t parse image name "Nginx": '
        "invalid reference format: repository name (library/Nginx) must be lowercase"
    )
