"""Being somebody one is not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from tests.security.conftest import ADMIN, NOBODY, Gate, wait

_ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"
_CLAIMS = {
    "iss": "https://kubernetes.default.svc.cluster.local",
    "sub": "system:serviceaccount:kube-system:namespace-controller",
    "aud": ["https://kubernetes.default.svc.cluster.local"],
    "exp": 9999999999,
    "iat": 1,
    "nbf": 1,
}


def _encode(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def _token(gate: Gate, account: str = "default", **spec: Any) -> str:
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
    token: str = gate.create(f"{_ACCOUNTS}/{account}/token", body)["status"]["token"]
    return token


def _who(gate: Gate, token: str, **headers: str) -> int:
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    return gate.ask("POST", path, body, token=token, **headers).status


def _signed(header: Any, claims: Any) -> str:
    """By a key of one's own."""
    text = f"{_encode(header)}.{_encode(claims)}"
    key = ec.generate_private_key(ec.SECP256R1())
    r, s = utils.decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{text}.{_encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def test_the_real_thing_is_let_in(gate: Gate) -> None:
    assert _who(gate, _token(gate)) == 201


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", ""])
@pytest.mark.parametrize("signature", ["", "AAAA"])
def test_no_signature_is_no_identity(gate: Gate, algorithm: str, signature: str) -> None:
    header = _decode(_token(gate).split(".")[0]) | {"alg": algorithm}
    assert _who(gate, f"{_encode(header)}.{_encode(_CLAIMS)}.{signature}") == 401


@pytest.mark.parametrize(
    "kid", ["", "../../../dev/null", "/dev/null", "' or 1=1 --", "x" * 100_000, None, 5, ["a"], {"a": 1}]
)
def test_a_key_of_ones_own_signs_nothing(gate: Gate, kid: Any) -> None:
    assert _who(gate, _signed({"alg": "ES256", "kid": kid}, _CLAIMS)) in (401, 431)


def test_nor_under_the_name_of_the_real_key(gate: Gate) -> None:
    header = _decode(_token(gate).split(".")[0])
    assert _who(gate, _signed(header, _CLAIMS)) == 401
    own = {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}
    for trick in ({"jwk": own}, {"jku": "https://evil/keys"}, {"x5u": "https://evil"}, {"crit": ["exp"]}):
        assert _who(gate, _signed(header | trick, _CLAIMS)) == 401


def test_the_public_key_is_no_shared_secret(gate: Gate) -> None:
    kid = _decode(_token(gate).split(".")[0])["kid"]
    jwks = gate.admin("GET", "/openid/v1/jwks").body
    for secret in (jwks, json.dumps(json.loads(jwks)["keys"][0]).encode(), b""):
        text = f"{_encode({'alg': 'HS256', 'kid': kid})}.{_encode(_CLAIMS)}"
        signature = hmac.new(secret, text.encode(), hashlib.sha256).digest()
        assert _who(gate, f"{text}.{_encode(signature)}") == 401


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_changed_token(gate: Gate, part: int) -> None:
    parts = _token(gate).split(".")
    if part == 1:
        parts[1] = _encode(_decode(parts[1]) | {"sub": _CLAIMS["sub"]})
    else:
        parts[part] = parts[part][:-4] + ("AAAA" if not parts[part].endswith("AAAA") else "BBBB")
    assert _who(gate, ".".join(parts)) == 401


@pytest.mark.parametrize(
    "token", ["a.b.c", "....", "e30.e30.", _encode(b"[" * 5000) + ".e30.x", "é", "%00", "null", "x" * 10_000]
)
def test_garbage(gate: Gate, token: str) -> None:
    assert _who(gate, token) == 401


def test_a_token_for_somebody_else(gate: Gate) -> None:
    assert _who(gate, _token(gate, audiences=["vault"])) == 401


def test_a_token_is_bound_to_something_or_not_asked_to_be(gate: Gate) -> None:
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"boundObjectRef": {}}}
    answer = gate.ask("POST", f"{_ACCOUNTS}/default/token", body, token=ADMIN)
    assert answer.status == 400 and b"cannot bind token to object of type /, Kind=" in answer.body


def test_who_is_deleted_is_nobody(gate: Gate) -> None:
    gate.create(_ACCOUNTS, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "leaver"}})
    token = _token(gate, "leaver")
    assert _who(gate, token) == 201
    gate.admin("DELETE", f"{_ACCOUNTS}/leaver")
    assert _who(gate, token) == 401
    gate.create(_ACCOUNTS, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "leaver"}})
    assert _who(gate, token) == 401, "one of the same name is somebody else"


def test_a_token_dies_with_its_pod(gate: Gate) -> None:
    pod = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bearer"},
        "spec": {"containers": [{"name": "c", "image": "x"}]},
    }  # fmt: skip
    uid = gate.create("/api/v1/namespaces/default/pods", pod)["metadata"]["uid"]
    bound = {"apiVersion": "v1", "kind": "Pod", "name": "bearer", "uid": uid}
    token = _token(gate, boundObjectRef=bound)
    assert _who(gate, token) == 201
    options = {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0}
    gate.admin("DELETE", "/api/v1/namespaces/default/pods/bearer", options)
    assert _who(gate, token) == 401


def test_nobody_is_a_front_proxy(gate: Gate) -> None:
    claims = {"X_Remote_User": "admin", "X_Remote_Group": "system:masters"}
    assert gate.ask("GET", "/api/v1/secrets", **claims).status == 403
    assert gate.ask("GET", "/api/v1/secrets", token=NOBODY, **claims).status == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Impersonate_User": "admin"}, 403),
        ({"Impersonate_User": "nobody", "Impersonate_Group": "system:masters"}, 403),
        ({"Impersonate_Group": "system:masters"}, 400),
        ({"Impersonate_Uid": "1"}, 400),
        ({"Impersonate_Extra_scopes": "x"}, 400),
        ({"iMpErSoNaTe_uSeR": "admin"}, 403),
    ],
)
def test_nobody_may_be_somebody_else(gate: Gate, headers: dict[str, str], status: int) -> None:
    assert gate.ask("GET", "/api/v1/secrets", token=NOBODY, **headers).status == status
    assert gate.ask("GET", "/api/v1/secrets", **headers).status == status


def test_other_ways_to_hand_in_a_token_are_none(gate: Gate) -> None:
    assert gate.ask("GET", f"/api/v1/secrets?access_token={ADMIN}").status == 403
    for value in (
        f"Basic {base64.b64encode(b'admin:admin').decode()}",
        ADMIN,
        f"Token {ADMIN}",
        f"Bearer\t{ADMIN}",
    ):
        assert gate.ask("GET", "/api/v1/secrets", Authorization=value).status in (401, 403)
    for value in (f"Bearer  {ADMIN}", "Bearer ", "Bearer"):
        assert gate.ask("GET", "/api/v1/secrets", Authorization=value).status == 403


def test_an_expired_token(gate: Gate) -> None:
    """The shortest that is given lives ten minutes; so this one is only refused for being asked to live less."""
    body = {
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 1},
    }  # fmt: skip
    answer = gate.admin("POST", f"{_ACCOUNTS}/default/token", body)
    assert answer.status == 422
    assert "may not specify a duration less than 10 minutes" in answer.message
    header = _decode(_token(gate).split(".")[0])
    assert _who(gate, _signed(header, _CLAIMS | {"exp": int(time.time()) - 10})) == 401


def test_a_pod_of_the_same_name_is_another(gate: Gate) -> None:
    pods = "/api/v1/namespaces/default/pods"
    pod = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "twin"},
        "spec": {"containers": [{"name": "c", "image": "x"}]},
    }  # fmt: skip
    bound = {"apiVersion": "v1", "kind": "Pod", "name": "twin"}
    gate.create(pods, pod)
    token = _token(gate, boundObjectRef=bound)
    options = {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0}
    gate.admin("DELETE", f"{pods}/twin", options)
    gate.create(pods, pod)
    assert _who(gate, token) == 401
    gate.admin("DELETE", f"{pods}/twin", options)


def test_a_token_of_a_secret_dies_with_it(gate: Gate) -> None:
    secrets = "/api/v1/namespaces/default/secrets"
    secret = {
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
        "metadata": {"name": "old-way", "annotations": {"kubernetes.io/service-account.name": "default"}},
    }  # fmt: skip
    gate.create(secrets, secret)
    wait(lambda: "token" in gate.admin("GET", f"{secrets}/old-way").obj.get("data", {}))
    token = base64.b64decode(gate.admin("GET", f"{secrets}/old-way").obj["data"]["token"]).decode()
    assert _who(gate, token) == 201
    gate.admin("DELETE", f"{secrets}/old-way")
    assert _who(gate, token) == 401


_SELF = b'{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}'


def _user(gate: Gate, *headers: str, certificate: bool = False) -> tuple[int, str]:
    """(status, name) of who these headers are, as they stand."""
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    lines = [f"POST {path} HTTP/1.1", "Host: x", "Connection: close", "Content-Type: application/json"]
    lines += [f"Content-Length: {len(_SELF)}", *headers]
    data = "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + _SELF
    context = gate.trusting()
    if certificate:
        context.load_cert_chain(gate.directory / "pki" / "admin.crt", gate.directory / "pki" / "admin.key")
    with gate.connect(context) as stream:
        stream.sendall(data)
        answer = gate.receive(stream)
    name = answer.obj["status"]["userInfo"]["username"] if answer.status == 201 else ""
    return answer.status, name


def test_a_certificate_comes_before_a_token(gate: Gate) -> None:
    """As upstream asks them: and a bad token beside a good certificate is not looked at."""
    assert _user(gate, certificate=True) == (201, "kubernetes-admin")
    assert _user(gate, f"Authorization: Bearer {NOBODY}", certificate=True) == (201, "kubernetes-admin")
    assert _user(gate, "Authorization: Bearer nonsense", certificate=True) == (201, "kubernetes-admin")
    # A certificate is not a front proxy's because headers come with it.
    claims = ("X-Remote-User: somebody", "X-Remote-Group: system:masters")
    assert _user(gate, *claims, certificate=True) == (201, "kubernetes-admin")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (("Impersonate-User: jane", "Impersonate-User: joe"), (201, "jane")),
        (("Impersonate-User: ", "Impersonate-User: joe"), (201, "admin")),
        (("Impersonate-User: jane", "impersonate-user: joe"), (201, "jane")),
        (("Impersonate-User: jane,joe",), (201, "jane,joe")),
        (("Impersonate_User: jane",), (201, "admin")),
        (("Impersonate-User:\tjane",), (201, "jane")),
    ],
)  # fmt: skip
def test_of_two_to_be_the_first_counts(
    gate: Gate, headers: tuple[str, ...], expected: tuple[int, str]
) -> None:
    """Header.Get of Go's, in every place that looks."""
    assert _user(gate, f"Authorization: Bearer {ADMIN}", *headers) == expected


def test_who_is_impersonated_impersonates_nobody(gate: Gate) -> None:
    """There is one step: rights to be somebody else are those of who has come."""
    headers = (f"Authorization: Bearer {ADMIN}", "Impersonate-User: system:serviceaccount:default:default")
    assert _user(gate, *headers)[1] == "system:serviceaccount:default:default"
    assert gate.admin("GET", "/api/v1/secrets", Impersonate_User="nobody").status == 403
