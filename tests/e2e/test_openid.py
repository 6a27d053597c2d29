"""People who come with tokens of an OpenID issuer: a small one of our own, over TLS, and the real kubectl."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from kubepy.daemon import pki
from kubepy.lib.clock import RealClock


class Issuer:
    """What it says by path; keys can be changed."""

    def __init__(self, directory: Path) -> None:
        keys = pki.ensure(directory, RealClock(), addresses=("127.0.0.1",))
        self.ca = keys.ca_file()
        self.keys = [RSAKey.generate_key(2048, {"kid": "one"})]
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = issuer.answer(self.path).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(keys.file("server.crt"), keys.file("server.key"))
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, path: str) -> str:
        if path == "/groups":
            return self.token(groups=["far-away"])
        if path == "/keys":
            return json.dumps({"keys": [key.as_dict(private=False) | {"use": "sig"} for key in self.keys]})
        return json.dumps({"issuer": self.url, "jwks_uri": f"{self.url}/keys"})

    def token(self, **claims: object) -> str:
        usual = {"iss": self.url, "aud": "kubepy", "sub": "jane", "exp": int(time.time()) + 600}
        key = self.keys[-1]
        return jwt.encode({"alg": "RS256", "kid": key.kid}, usual | claims, key)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def issuer(tmp_path: Path) -> Iterator[Issuer]:
    issuer = Issuer(tmp_path / "issuer")
    yield issuer
    issuer.close()


def user_of(daemon, token: str) -> dict | str:
    """Who somebody with this token is; what kubectl says if nobody."""
    (daemon.directory / "none").write_text("{}")
    server = json.loads((daemon.directory / "instance.json").read_text())["server"]
    done = daemon.kubectl(
        "auth", "whoami", "-o", "json", f"--kubeconfig={daemon.directory / 'none'}", f"--server={server}",
        f"--certificate-authority={daemon.directory / 'pki' / 'ca.crt'}", f"--token={token}", check=False,
    )  # fmt: skip
    return json.loads(done.stdout)["status"]["userInfo"] if done.returncode == 0 else done.stderr


def test_an_issuer_by_flags(make_daemon, issuer: Issuer):
    daemon = make_daemon(
        "--nodes=0", f"--oidc-issuer-url={issuer.url}", "--oidc-client-id=kubepy", f"--oidc-ca-file={issuer.ca}",
        "--oidc-groups-claim=groups", "--oidc-groups-prefix=oidc:", "--oidc-required-claim=tenant=acme",
    )  # fmt: skip
    daemon.start()
    user = user_of(daemon, issuer.token(tenant="acme", groups=["devs"]))
    assert user["username"] == f"{issuer.url}#jane"
    assert user["groups"] == ["oidc:devs", "system:authenticated"]
    elsewhere = {
        "_claim_names": {"groups": "s"},
        "_claim_sources": {"s": {"endpoint": f"{issuer.url}/groups"}},
    }
    assert user_of(daemon, issuer.token(tenant="acme", **elsewhere))["groups"][0] == "oidc:far-away"
    for claims in ({"tenant": "other"}, {}, {"tenant": "acme", "aud": "other"}, {"tenant": "acme", "exp": 1}):
        assert "Unauthorized" in str(user_of(daemon, issuer.token(**claims)))
    issuer.keys.append(RSAKey.generate_key(2048, {"kid": "two"}))
    assert user_of(daemon, issuer.token(tenant="acme"))["username"] == f"{issuer.url}#jane", "keys rotate"
    assert daemon.stop() == 0


def test_an_issuer_by_a_file_that_changes(make_daemon, issuer: Issuer, tmp_path: Path):
    path = tmp_path / "authentication.json"
    config = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration"}
    entry = {
        "issuer": {"url": issuer.url, "audiences": ["kubepy"], "certificateAuthority": issuer.ca.read_text()},
        "claimMappings": {"username": {"expression": "'o:' + claims.sub"}},
    }
    path.write_text(json.dumps(config | {"jwt": []}))
    daemon = make_daemon("--nodes=0", f"--authentication-config={path}")
    daemon.start()
    assert "Unauthorized" in str(user_of(daemon, issuer.token()))
    path.write_text(json.dumps(config | {"jwt": [entry]}))
    deadline = time.monotonic() + 60
    while "username" not in user_of(daemon, issuer.token()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert user_of(daemon, issuer.token())["username"] == "o:jane"
    assert daemon.stop() == 0
