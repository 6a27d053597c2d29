"""Selectors, revisions and other parameters.

Sources: door.py."""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import quote

import pytest

from tests.e2e.bad_input.door import DEPLOYMENTS, LABEL_VALUE, MAP, MAPS, PODS, Door, request, settled, write
from tests.e2e.conftest import Daemon

REQUIREMENT = "unable to parse requirement: "
FOUND = "found '{}', expected: {}".format


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("==", FOUND("==", "!, identifier, or 'end of string'")),
        ("a in b", REQUIREMENT + "found 'b' expected: '('"),
        ("a in (b", REQUIREMENT + FOUND("", "',' or ')'")),
        ("!", REQUIREMENT + FOUND("", "identifier")),
        ("a,,b", FOUND(",", "identifier after ','")),
        ("a b", REQUIREMENT + FOUND("b", "in, notin, =, ==, !=, gt, lt")),
        ("a=b=c", FOUND("=", "',' or 'end of string'")),
        (
            "a>x",
            REQUIREMENT
            + "values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer",
        ),
        ("a=\xe9", REQUIREMENT + f'values[0][a]: Invalid value: "\xe9": {LABEL_VALUE}'),
        (
            "a" * 64 + "=b",
            REQUIREMENT + f'<nil>: Invalid value: "{"a" * 64}": name part must be no more than 63 bytes',
        ),
    ],
)
@pytest.mark.parametrize("query", ["", "&watch=1"])
def test_label_selectors_that_do_not_parse(door: Door, selector: str, message: str, query: str) -> None:
    answer = door.ask("GET", f"{MAPS}?labelSelector={quote(selector)}{query}")
    answer.is_status(400, "BadRequest", message, None)


ONLY_METADATA = 'is not a known field selector: only "metadata.name", "metadata.namespace"'


@pytest.mark.parametrize(
    ("target", "selector", "message"),
    [
        (MAPS, "foo", "invalid selector: 'foo'; can't understand 'foo'"),
        (MAPS, "foo=bar", f'"foo" {ONLY_METADATA}'),
        (MAPS, "spec.nodeName=x", f'"spec.nodeName" {ONLY_METADATA}'),
        (MAPS, "metadata.name=a=b", "invalid field selector: unescaped character in value: 61"),
        (PODS, "spec.foo=x", "field label not supported: spec.foo"),
        ("/api/v1/nodes", "metadata.namespace=x", "field label not supported: metadata.namespace"),
        (DEPLOYMENTS, "spec.replicas=1", f'"spec.replicas" {ONLY_METADATA}'),
        ("/apis/batch/v1/jobs", "a=b", 'field label "a" not supported for Job'),
    ],
)
def test_field_selectors(door: Door, target: str, selector: str, message: str) -> None:
    for query in ("", "&watch=1"):
        answer = door.ask("GET", f"{target}?fieldSelector={quote(selector)}{query}")
        answer.is_status(400, "BadRequest", message, None)
    if target != "/apis/batch/v1/jobs":
        answer = door.ask("DELETE", f"{target}?fieldSelector={quote(selector)}")
        answer.is_status(400, "BadRequest", message, None)


def _token(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


TOKEN = "invalid continue token: continue key is not valid"
VERSION = "resourceVersion: Invalid value:"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("limit=abc", 'strconv.ParseInt: parsing "abc": invalid syntax'),
        ("limit=1.5", 'strconv.ParseInt: parsing "1.5": invalid syntax'),
        ("limit=%00", 'strconv.ParseInt: parsing "\\x00": invalid syntax'),
        ("limit=" + "9" * 5000, f'strconv.ParseInt: parsing "{"9" * 5000}": value out of range'),
        ("timeoutSeconds=abc", 'strconv.ParseInt: parsing "abc": invalid syntax'),
        ("watch=1&timeoutSeconds=99999999999999999999",
         'strconv.ParseInt: parsing "99999999999999999999": value out of range'),
        ("continue=%25", f"{TOKEN}: illegal base64 data at input byte 0"),
        ("continue=abc", f"{TOKEN}: invalid character 'i' looking for beginning of value"),
        (f"continue={_token({})}", f"{TOKEN}: server does not recognize this encoded version "),
        (f"continue={_token({'v': 'v2', 'rv': 1, 'start': 'a'})}",
         f"{TOKEN}: server does not recognize this encoded version v2"),
        (f"continue={_token({'v': 'meta.k8s.io/v1', 'rv': 0, 'start': 'a'})}",
         f"{TOKEN}: incorrect encoded start resourceVersion (version meta.k8s.io/v1)"),
        (f"continue={_token({'v': 'meta.k8s.io/v1', 'rv': 1})}",
         f"{TOKEN}: encoded start key empty (version meta.k8s.io/v1)"),
        (f"continue={_token({'v': 'meta.k8s.io/v1', 'rv': 1, 'start': '../../secrets/'})}", f"{TOKEN}: ../../secrets/"),
        (f"resourceVersion=5&continue={_token({'v': 'meta.k8s.io/v1', 'rv': 1, 'start': 'a'})}",
         "specifying resource version is not allowed when using continue"),
        ("resourceVersion=abc",
         f'invalid resource version: {VERSION} "abc": strconv.ParseUint: parsing "abc": invalid syntax'),
        ("resourceVersion=-1",
         f'invalid resource version: {VERSION} "-1": strconv.ParseUint: parsing "-1": invalid syntax'),
        ("resourceVersion=18446744073709551616",
         f'invalid resource version: {VERSION} "18446744073709551616": strconv.ParseUint: parsing '
         '"18446744073709551616": value out of range'),
        ("timeout=abc", 'invalid timeout specified in the request URL - time: invalid duration "abc"'),
        ("timeout=5", 'invalid timeout specified in the request URL - time: missing unit in duration "5"'),
        ("timeout=5x", 'invalid timeout specified in the request URL - time: unknown unit "x" in duration "5x"'),
    ],
)  # fmt: skip
def test_parameters_that_do_not_parse(door: Door, query: str, message: str) -> None:
    door.ask("GET", f"{MAPS}?{query}").is_status(400, "BadRequest", message, None)


def test_a_revision_that_is_none(door: Door) -> None:
    """Of a get and a watch, unlike of a list, nobody makes a bad request."""
    for target in (f"{MAP}?", f"{MAPS}?watch=1&"):
        answer = door.ask("GET", f"{target}resourceVersion=abc")
        assert answer.status == 500 and "reason" not in answer.obj
        assert answer.obj["message"] == f'{VERSION} "abc": strconv.ParseUint: parsing "abc": invalid syntax'


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("resourceVersionMatch=Exact",
         "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"),
        ("resourceVersion=1&resourceVersionMatch=Foo",
         'resourceVersionMatch: Unsupported value: "Foo": supported values: "Exact", "NotOlderThan", ""'),
        ("resourceVersion=0&resourceVersionMatch=Exact",
         'resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"'),
        ("resourceVersion=1&resourceVersionMatch=NotOlderThan&continue=abc",
         "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided"),
        ("sendInitialEvents=true", "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list"),
        ("watch=1&sendInitialEvents=true",
         "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"),
        ("watch=1&resourceVersionMatch=NotOlderThan",
         "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is "
         "provided"),
        ("watch=1&sendInitialEvents=true&resourceVersionMatch=Exact",
         "[resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan, "
         'resourceVersionMatch: Unsupported value: "Exact": supported values: "NotOlderThan"]'),
    ],
)  # fmt: skip
def test_parameters_that_do_not_go_together(door: Door, query: str, why: str) -> None:
    answer = door.ask("GET", f"{MAPS}?{query}")
    answer.is_status(422, "Invalid", f'ListOptions.meta.k8s.io "" is invalid: {why}')
    assert answer.obj["details"]["kind"] == "ListOptions"


@pytest.mark.parametrize(
    "query", ["limit=1;b=2", "limit=%zz", "%zz=1", "limit=", "limit=-1", "foo=bar", "limit=1&limit=abc"]
)
def test_parameters_that_go_does_not_mind(door: Door, query: str) -> None:
    assert door.ask("GET", f"{MAPS}?{query}").status == 200


def test_revisions_that_are_not_there_yet(door: Door) -> None:
    details = {
        "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
        "retryAfterSeconds": 1,
    }
    future = _token({"v": "meta.k8s.io/v1", "rv": 99999999, "start": "a"})
    for target, asked in [
        (f"{MAPS}?resourceVersion=99999999", "99999999"),
        (f"{MAPS}?resourceVersion=99999999&resourceVersionMatch=Exact", "99999999"),
        (f"{MAPS}?resourceVersion=18446744073709551615", "18446744073709551615"),
        (f"{MAP}?resourceVersion=99999999", "99999999"),
        (f"{MAPS}?limit=1&continue={future}", "99999999"),
    ]:
        answer = door.ask("GET", target)
        assert (answer.status, answer.obj["reason"]) == (504, "Timeout")
        assert re.fullmatch(
            rf"Timeout: Too large resource version: {asked}, current: \d+", answer.obj["message"]
        )
        assert answer.obj["details"] == details
        assert answer.headers["Retry-After"] == "1"
    query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=99999999"
    event = door.ask("GET", f"{MAPS}?{query}").obj
    assert (event["type"], event["object"]["code"], event["object"]["details"]) == ("ERROR", 504, details)


def test_revisions_that_are_compacted(cluster: Daemon, door: Door) -> None:
    page = door.ask("GET", f"{MAPS}?limit=1").obj["metadata"]
    write(door, "compacted")  # else the old revision shows what the new one does
    cluster.wait(
        "the compaction", lambda: door.ask("GET", f"{MAPS}?limit=1&continue={page['continue']}").status == 410
    )
    answer = door.ask("GET", f"{MAPS}?resourceVersion=1&resourceVersionMatch=Exact")
    answer.is_status(410, "Expired", "The resourceVersion for the provided list is too old.", None)
    answer = door.ask("GET", f"{MAPS}?limit=1&continue={page['continue']}")
    assert answer.obj["reason"] == "Expired"
    assert answer.obj["message"].startswith(
        "The provided continue parameter is too old to display a consistent list"
    )
    # The token in the answer goes on, inconsistently.
    rest = door.ask("GET", f"{MAPS}?continue={answer.obj['metadata']['continue']}")
    assert rest.status == 200
    event = door.ask("GET", f"{MAPS}?watch=1&resourceVersion=1&timeoutSeconds=5").obj
    assert event["type"] == "ERROR"
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")
    assert re.fullmatch(r"too old resource version: 1 \(\d+\)", event["object"]["message"])


@pytest.mark.parametrize("seconds", ["-1", "0", "9223372036854775807"])
def test_odd_timeouts_of_watches(cluster: Daemon, door: Door, seconds: str) -> None:
    with door.socket() as connection:
        connection.sendall(request("GET", f"{MAPS}?watch=1&timeoutSeconds={seconds}"))
        assert connection.recv(15) == b"HTTP/1.1 200 OK"
    settled(cluster, door)
