from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from kubepy.api.errors import Unauthorized
from kubepy.api.objects import Document, DocumentPool, Key, Obj
from kubepy.apiserver.authn import issuer
from kubepy.apiserver.authn.keys import Keys
from kubepy.apiserver.authn.service_account_tokens import Signer
from kubepy.apiserver.authn.service_account_verifier import Find, Verifier
from kubepy.apiserver.request import User
from kubepy.lib.clock import VirtualClock
from kubepy.lib.random import Random

ISSUER = "https://kubernetes.default.svc.cluster.local"
ACCOUNT = {"metadata": {"namespace": "ns", "name": "builder", "uid": "u-sa"}}
POD = {"metadata": {"namespace": "ns", "name": "web-0", "uid": "u-pod"}}
NODE = {"metadata": {"name": "node-1", "uid": "u-node"}}


def _pem(key: Any) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


PEM = _pem(ec.generate_private_key(ec.SECP256R1()))


class World:
    def __init__(self, clock: VirtualClock, pem: bytes = PEM, earlier: tuple[bytes, ...] = ()) -> None:
        self.objects: dict[tuple[str, str, str], Document] = {}
        self.put("serviceaccounts", ACCOUNT)
        self.put("pods", POD)
        self.put("nodes", NODE)
        self.used: list[tuple[str, str]] = []
        keys = Keys(pem, earlier)
        self.keys = keys
        self.signer = Signer(keys, issuer=ISSUER, clock=clock, random=Random(1))
        self.verifier = Verifier(
            keys, issuers=[ISSUER], audiences=[ISSUER], lookup=self.lookup, clock=clock,
            mark_used=lambda secret, day: self.used.append((secret["metadata"]["name"], day)),
        )  # fmt: skip

    def put(self, plural: str, obj: Obj) -> None:
        metadata = obj["metadata"]
        key = Key(metadata.get("namespace", ""), metadata["name"])
        self.objects[plural, key.namespace, key.name] = Document(
            key, orjson.dumps(obj), 1, DocumentPool(), obj
        )

    async def lookup(self, plural: str, namespace: str, name: str) -> Find:
        return lambda: self.objects.get((plural, namespace, name))

    async def user(self, token: str) -> User | None:
        verdict = await self.verifier.review(token)
        return verdict.user if verdict is not None else None


@pytest.fixture
def world(clock: VirtualClock) -> World:
    return World(clock)


def _claims(token: str) -> Obj:
    part = token.split(".")[1]
    return orjson.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_claims_are_those_of_kubernetes(world: World, clock: VirtualClock) -> None:
    now = int(clock.now())
    token = world.signer.sign(ACCOUNT, ["a", "b"], 3600, pod=POD, node=NODE)
    assert _claims(token.text) == {
        "aud": ["a", "b"],
        "exp": now + 3600,
        "iat": now,
        "iss": ISSUER,
        "jti": token.jti,
        "kubernetes.io": {
            "namespace": "ns",
            "node": {"name": "node-1", "uid": "u-node"},
            "pod": {"name": "web-0", "uid": "u-pod"},
            "serviceaccount": {"name": "builder", "uid": "u-sa"},
        },
        "nbf": now,
        "sub": "system:serviceaccount:ns:builder",
    }
    assert token.expires == now + 3600
    head = token.text.split(".")[0]
    assert orjson.loads(base64.urlsafe_b64decode(head + "==")).keys() == {"alg", "kid"}


@pytest.mark.parametrize(
    ("pem", "algorithm"),
    [(PEM, "ES256"), (_pem(rsa.generate_private_key(65537, 2048)), "RS256")],
)
async def test_token_is_believed(clock: VirtualClock, pem: bytes, algorithm: str) -> None:
    world = World(clock, pem)
    assert world.keys.signing.algorithm == algorithm
    token = world.signer.sign(ACCOUNT, [ISSUER], 3600, pod=POD, node=NODE)
    for _ in range(2):  # the second time from memory
        user = await world.user(token.text)
        assert user is not None
        assert (user.name, user.uid) == ("system:serviceaccount:ns:builder", "u-sa")
        assert user.groups == ("system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated")
        assert user.extra == {
            "authentication.kubernetes.io/pod-name": ["web-0"],
            "authentication.kubernetes.io/pod-uid": ["u-pod"],
            "authentication.kubernetes.io/node-name": ["node-1"],
            "authentication.kubernetes.io/node-uid": ["u-node"],
            "authentication.kubernetes.io/credential-id": [f"JTI={token.jti}"],
        }


@pytest.mark.parametrize("gone", [("serviceaccounts", "ns", "builder"), ("pods", "ns", "web-0")])
@pytest.mark.parametrize("replaced", [False, True])
async def test_token_ends_with_what_it_is_bound_to(
    world: World, gone: tuple[str, str, str], replaced: bool
) -> None:
    token = world.signer.sign(ACCOUNT, [ISSUER], 3600, pod=POD, node=NODE).text
    assert await world.user(token) is not None
    if replaced:
        _, namespace, name = gone
        world.put(gone[0], {"metadata": {"namespace": namespace, "name": name, "uid": "another"}})
    else:
        del world.objects[gone]
    with pytest.raises(Unauthorized):
        await world.user(token)


async def test_node_of_a_pods_token_is_only_told(world: World) -> None:
    with_pod = world.signer.sign(ACCOUNT, [ISSUER], 3600, pod=POD, node=NODE).text
    of_node = world.signer.sign(ACCOUNT, [ISSUER], 3600, node=NODE).text
    del world.objects["nodes", "", "node-1"]
    assert await world.user(with_pod) is not None
    with pytest.raises(Unauthorized):
        await world.user(of_node)


async def test_expired(world: World, clock: VirtualClock) -> None:
    token = world.signer.sign(ACCOUNT, [ISSUER], 3600).text
    assert await world.user(token) is not None
    await clock.advance(3600 + 61)
    with pytest.raises(Unauthorized, match="expired"):
        await world.user(token)


async def test_other_audience(world: World) -> None:
    token = world.signer.sign(ACCOUNT, ["vault"], 3600).text
    with pytest.raises(Unauthorized):
        await world.user(token)
    verdict = await world.verifier.review(token, ["vault", "other"])
    assert verdict is not None and verdict.audiences == ["vault"]


async def test_other_key(world: World, clock: VirtualClock) -> None:
    forged = (
        World(clock, _pem(ec.generate_private_key(ec.SECP256R1()))).signer.sign(ACCOUNT, [ISSUER], 3600).text
    )
    with pytest.raises(Unauthorized):
        await world.user(forged)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "e30.e30.", "e30.W10.x"])
async def test_what_is_not_ours_is_left_to_others(world: World, token: str) -> None:
    assert await world.user(token) is None


async def test_unsigned_token_is_refused(world: World) -> None:
    payload = world.signer.sign(ACCOUNT, [ISSUER], 3600).text.split(".")[1]
    head = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    with pytest.raises(Unauthorized):
        await world.user(f"{head}.{payload}.")


def test_public_key_has_no_secret(world: World) -> None:
    public = world.keys.signing.public()
    assert set(public) == {"kty", "crv", "x", "y", "kid", "use", "alg"}


async def test_others_can_verify_our_tokens(world: World, make_request: Any) -> None:
    from joserfc import jwt
    from joserfc.jwk import KeySet

    paths = issuer.paths(world.keys, issuer=ISSUER, address=lambda: "127.0.0.1:6443")
    configuration = orjson.loads((await paths[issuer.CONFIGURATION_PATH](make_request("/"))).body or b"")
    assert configuration["issuer"] == ISSUER
    assert configuration["jwks_uri"] == "https://127.0.0.1:6443/openid/v1/jwks"
    assert configuration["id_token_signing_alg_values_supported"] == ["ES256"]
    published = orjson.loads((await paths[issuer.KEYS_PATH](make_request("/"))).body or b"")
    token = world.signer.sign(ACCOUNT, [ISSUER], 3600).text
    claims = jwt.decode(token, KeySet.import_key_set(published), algorithms=["ES256"]).claims
    assert claims["sub"] == "system:serviceaccount:ns:builder"


async def test_a_rotated_key_goes_on_verifying(world: World, clock: VirtualClock) -> None:
    token = world.signer.sign(ACCOUNT, [ISSUER], 3600).text
    new = _pem(ec.generate_private_key(ec.SECP256R1()))
    after = World(clock, new, (PEM,))
    assert await after.user(token) is not None
    assert await after.user(after.signer.sign(ACCOUNT, [ISSUER], 3600).text) is not None
    with pytest.raises(Unauthorized, match="invalid signature, no keys found"):
        await World(clock, new).user(token)


async def test_what_is_bound_to_may_linger_a_minute_while_it_is_deleted(
    world: World, clock: VirtualClock
) -> None:
    token = world.signer.sign(ACCOUNT, [ISSUER], 3600, pod=POD).text
    deleted = POD | {"metadata": POD["metadata"] | {"deletionTimestamp": clock.rfc3339()}}
    world.put("pods", deleted)
    await clock.advance(50)
    assert await world.user(token) is not None
    await clock.advance(20)
    with pytest.raises(Unauthorized, match="service account token has been invalidated"):
        await world.user(token)


async def test_late_use_of_an_extended_token_is_noted(world: World, clock: VirtualClock) -> None:
    token = world.signer.sign(ACCOUNT, [ISSUER], 10_000, pod=POD, warn_after_s=3607).text
    for late_s, audit in (
        (0, {}),
        (3610, {"authentication.k8s.io/stale-token": "subject: system:serviceaccount:ns:builder, "
                "seconds after warning threshold: 3"}),
    ):  # fmt: skip
        await clock.advance(late_s)
        verdict = await world.verifier.review(token)
        assert verdict is not None and dict(verdict.audit) == audit


# -- tokens of Secrets -------------------------------------------------------------------------------------------


def _secret(token: str = "", **labels: str) -> Obj:
    return {
        "metadata": {"namespace": "ns", "name": "builder-token", "uid": "u-secret", "labels": labels},
        "type": "kubernetes.io/service-account-token",
        "data": {"token": base64.b64encode(token.encode()).decode()},
    }


async def test_the_token_of_a_secret_counts_while_the_secret_holds_it(world: World) -> None:
    token = world.signer.sign_legacy(ACCOUNT, _secret())
    with pytest.raises(Unauthorized, match="Token has been invalidated"):
        await world.user(token)
    world.put("secrets", _secret(token))
    user = await world.user(token)
    assert user is not None and (user.name, user.extra) == ("system:serviceaccount:ns:builder", {})
    world.put("secrets", _secret("another"))
    with pytest.raises(Unauthorized, match="Token does not match server's copy"):
        await world.user(token)


async def test_use_of_a_secrets_token_is_labelled_once_a_day(world: World) -> None:
    token = world.signer.sign_legacy(ACCOUNT, _secret())
    world.put("secrets", _secret(token))
    await world.user(token)
    assert [name for name, _ in world.used] == ["builder-token"]
    today = world.used[0][1]
    world.put("secrets", _secret(token, **{"kubernetes.io/legacy-token-last-used": today}))
    await world.user(token)
    assert len(world.used) == 1


async def test_who_uses_a_generated_token_is_told_and_one_marked_invalid_is_refused(world: World) -> None:
    token = world.signer.sign_legacy(ACCOUNT, _secret())
    world.put("secrets", _secret(token))
    world.put("serviceaccounts", ACCOUNT | {"secrets": [{"name": "builder-token"}]})
    verdict = await world.verifier.review(token)
    assert verdict is not None and verdict.audit["authentication.k8s.io/legacy-token-autogenerated-secret"]
    assert verdict.warnings[0].startswith("Use tokens from the TokenRequest API or manually created")
    marked = {"kubernetes.io/legacy-token-invalid-since": "2026-01-01"}
    world.put("secrets", _secret(token, **marked))
    with pytest.raises(Unauthorized, match="has been marked invalid"):
        await world.user(token)
