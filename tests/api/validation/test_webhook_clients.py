"""Upstream's cases of apiserver pkg/util/webhook/validation_test.go, and that both users ask the same function."""

import pytest

from kubepy.api.errors import FieldError
from kubepy.api.objects import Obj
from kubepy.api.validation.webhook_clients import check_client_config


def findings(config: Obj) -> list[str]:
    found: list[FieldError] = []
    check_client_config(config, "c", found)
    return [str(each) for each in found]


FORM = "; desired format: https://host[/path]"


@pytest.mark.parametrize(
    ("url", "texts"),
    [
        ("https://example.com/path", []),
        ("https://example.com:443/", []),
        ("http://a", [f"c.url: Invalid value: \"http\": 'https' is the only allowed URL scheme{FORM}"]),
        ("https:///p", [f'c.url: Invalid value: "": host must be specified{FORM}']),
        ("https://u:p@h", ['c.url: Invalid value: "u:p": user information is not permitted in the URL']),
        ("https://h/p#f", ['c.url: Invalid value: "f": fragments are not permitted in the URL']),
        ("https://h/p?q=1", ['c.url: Invalid value: "q=1": query parameters are not permitted in the URL']),
    ],
)
def test_urls(url, texts):
    assert findings({"url": url}) == texts


@pytest.mark.parametrize(
    ("path", "texts"),
    [
        (None, []),
        ("", []),
        ("/", []),
        ("/foo/bar/", []),
        ("//", ["segment[0] may not be empty"]),
        ("/foo//bar//", ["segment[1] may not be empty", "segment[3] may not be empty"]),
        ("foo", ["must start with a '/'"]),
    ],
)
def test_paths_of_services(path, texts):
    config = {"service": {"name": "n", "namespace": "ns", "port": 443, "path": path}}
    assert findings(config) == [f'c.service.path: Invalid value: "{path}": {text}' for text in texts]


def test_a_service_has_a_name_and_a_namespace_which_upstream_confuses():
    assert findings({"service": {"namespace": "ns", "port": 443}}) == ["c.service.namespace: Required value"]
    assert findings({"service": {"name": "n", "port": 443}}) == ["c.service.name: Required value"]


def test_one_of_both():
    text = ["c: Required value: exactly one of url or service is required"]
    assert findings({}) == findings({"url": "https://h", "service": {}}) == text
