import pytest

from kubepy.api.errors import BadRequest, ServiceUnavailable, StatusError
from kubepy.apiserver.handlers.usage import kubelet_of


@pytest.mark.parametrize(
    "asked", ["node-1", "node-1:", "node-1:10250", "https:node-1:10250", ":node-1:", "http:node-1:"]
)
def test_a_kubelet_is_asked_for_by_name_scheme_and_port(asked: str) -> None:
    assert kubelet_of(asked) == "node-1"


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (":10250", BadRequest), ("ftp:node-1:10250", BadRequest), ("a:b:c:d", BadRequest), ("https::1", BadRequest),
        ("node-1:80", ServiceUnavailable),
    ],
)  # fmt: skip
def test_what_is_no_kubelet_is_refused(asked: str, error: type[StatusError]) -> None:
    with pytest.raises(error):
        kubelet_of(asked)
