"""What goes over the wire about the user, and what is said when nothing comes back."""

import errno
from types import SimpleNamespace

import aiohttp
import pytest
from multidict import CIMultiDict

from kubepy.apiserver.aggregation.connections import identify, in_go
from kubepy.apiserver.aggregation.services import Address
from kubepy.apiserver.request import User

ADDRESS = Address("10.0.0.1", 443)
KEY = SimpleNamespace(host="h", port=443, is_ssl=True, ssl=True)


def test_the_user_replaces_what_the_headers_said():
    headers = CIMultiDict(
        [("x-remote-user", "root"), ("X-Remote-Group", "system:masters"), ("X-REMOTE-EXTRA-a", "b"), ("Accept", "*/*")]
    )  # fmt: skip
    user = User("jane\r\nX-Remote-Group: system:masters", ("a", "b"), "42", {"acme.com/p%": ["1", "2"]})
    identify(headers, user)
    assert list(headers.items()) == [
        ("Accept", "*/*"),
        ("X-Remote-User", "jane  X-Remote-Group: system:masters"),
        ("X-Remote-Uid", "42"),
        ("X-Remote-Group", "a"),
        ("X-Remote-Group", "b"),
        ("X-Remote-Extra-acme.com%2Fp%25", "1"),
        ("X-Remote-Extra-acme.com%2Fp%25", "2"),
    ]


def test_without_a_uid_there_is_no_header():
    headers = CIMultiDict({"X-Remote-Uid": "1"})
    identify(headers, User("jane"))
    assert list(headers.items()) == [("X-Remote-User", "jane")]


class Unverified(Exception):
    def __init__(self, code):
        super().__init__("certificate verify failed")
        self.verify_code = code


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (aiohttp.ClientConnectorError(KEY, OSError(errno.ECONNREFUSED, "")),
         "dial tcp 10.0.0.1:443: connect: connection refused"),
        (aiohttp.ClientConnectorError(KEY, OSError(errno.EHOSTUNREACH, "")),
         "dial tcp 10.0.0.1:443: connect: no route to host"),
        (aiohttp.ClientConnectorDNSError(KEY, OSError(-2, "")), "dial tcp: lookup 10.0.0.1: no such host"),
        (aiohttp.ServerDisconnectedError(), "EOF"),
        (ConnectionResetError(errno.ECONNRESET, ""), "read tcp 10.0.0.1:443: read: connection reset by peer"),
        (aiohttp.ClientConnectorCertificateError(KEY, Unverified(10)),
         "tls: failed to verify certificate: x509: certificate has expired or is not yet valid"),
        (aiohttp.ClientConnectorCertificateError(KEY, Unverified(62)),
         "tls: failed to verify certificate: x509: certificate is not valid for api.ns.svc"),
        (aiohttp.ClientConnectorCertificateError(KEY, Unverified(20)),
         "tls: failed to verify certificate: x509: certificate signed by unknown authority"),
        (aiohttp.ClientPayloadError("half"), "half"),
        (aiohttp.ClientError(), "ClientError"),
    ],
)  # fmt: skip
def test_failures_in_gos_words(error, text):
    assert in_go(error, ADDRESS, "api.ns.svc") == text
