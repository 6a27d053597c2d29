from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kubepy.api.errors import Unauthorized
from kubepy.apiserver import authn
from kubepy.apiserver.authn import tokens, x509
from kubepy.apiserver.request import ClientCertificate, Request, User
from kubepy.lib.clock import VirtualClock

CERTIFICATE = ClientCertificate("alice", ("dev", "ops"), "abcd", VirtualClock.START + 100)
BOB = authn.authenticated("bob", ())


def _union(clock: VirtualClock, *, anonymous: bool = True) -> authn.Union:
    return authn.Union(
        [
            x509.ClientCertificates(clock),
            tokens.BearerTokens(tokens.Tokens([tokens.StaticTokens({"t": BOB})])),
        ],
        anonymous=anonymous,
    )


async def test_certificate_names_user_and_groups(
    clock: VirtualClock, make_request: Callable[..., Request]
) -> None:
    user = await _union(clock).authenticate(make_request("/api", certificate=CERTIFICATE))
    assert user == User(
        "alice",
        ("dev", "ops", "system:authenticated"),
        extra={"authentication.kubernetes.io/credential-id": ["X509SHA256=abcd"]},
    )


async def test_certificate_that_expired_on_an_open_connection(
    clock: VirtualClock, make_request: Callable[..., Request]
) -> None:
    await clock.advance(101)
    with pytest.raises(Unauthorized):
        await _union(clock).authenticate(make_request("/api", certificate=CERTIFICATE))


async def test_certificate_without_name_is_nobody(
    clock: VirtualClock, make_request: Callable[..., Request]
) -> None:
    nameless = ClientCertificate("", ("system:masters",), "ab", VirtualClock.START + 100)
    with pytest.raises(Unauthorized):
        await _union(clock).authenticate(make_request("/api", certificate=nameless))


@pytest.mark.parametrize("header", ["Bearer t", "bearer t", " Bearer t "])
async def test_token(clock: VirtualClock, make_request: Callable[..., Request], header: str) -> None:
    assert await _union(clock).authenticate(make_request("/api", headers={"Authorization": header})) == BOB


async def test_bad_token_is_not_taken_for_none(
    clock: VirtualClock, make_request: Callable[..., Request]
) -> None:
    with pytest.raises(Unauthorized) as caught:
        await _union(clock).authenticate(make_request("/api", headers={"Authorization": "Bearer x"}))
    assert (caught.value.message, caught.value.code) == ("Unauthorized", 401)


async def test_good_certificate_outweighs_bad_token(
    clock: VirtualClock, make_request: Callable[..., Request]
) -> None:
    request = make_request("/api", headers={"Authorization": "Bearer x"}, certificate=CERTIFICATE)
    assert (await _union(clock).authenticate(request)).name == "alice"


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic dDp0"}])
async def test_anonymous(
    clock: VirtualClock, make_request: Callable[..., Request], headers: dict[str, str]
) -> None:
    user = await _union(clock).authenticate(make_request("/api", headers=headers))
    assert user == User("system:anonymous", ("system:unauthenticated",))
    with pytest.raises(Unauthorized):
        await _union(clock, anonymous=False).authenticate(make_request("/api", headers=headers))


async def test_health_and_version_never_need_credentials(
    clock: VirtualClock, make_request: Callable[..., Request]
) -> None:
    for path in ("/readyz", "/livez?verbose", "/version"):
        assert (
            await _union(clock, anonymous=False).authenticate(make_request(path))
        ).name == "system:anonymous"
    with pytest.raises(Unauthorized):
        await _union(clock).authenticate(make_request("/readyz", headers={"Authorization": "Bearer x"}))


def test_token_file(tmp_path: Path) -> None:
    file = tmp_path / "tokens.csv"
    file.write_text('t1,ann,u1\nt2,ben,u2,"g1,g2"\n,nobody,u3\nt1,ann2,u4,g3\n')
    assert tokens.read_token_file(file) == {
        "t1": User("ann2", ("g3", "system:authenticated"), "u4"),
        "t2": User("ben", ("g1", "g2", "system:authenticated"), "u2"),
    }


def test_token_file_with_too_few_columns(tmp_path: Path) -> None:
    file = tmp_path / "tokens.csv"
    file.write_text("t1,ann\n")
    with pytest.raises(tokens.TokenFileError, match="must have at least 3 columns"):
        tokens.read_token_file(file)
    with pytest.raises(tokens.TokenFileError, match="cannot be read"):
        tokens.read_token_file(tmp_path / "missing.csv")


@pytest.mark.parametrize(
    ("wanted", "good"), [((), ("us", "here")), (("x", "here"), ("here",)), (("x",), None)]
)
async def test_tokens_that_know_no_audience_are_for_this_server(
    wanted: tuple[str, ...], good: tuple[str, ...] | None
) -> None:
    verdict = await tokens.AnyAudience(tokens.StaticTokens({"t": BOB}), ("us", "here")).review("t", wanted)
    assert (None if verdict is None else verdict.audiences) == good
