"""Calls of webhooks by a clientConfig: a URL, or a Service, which is dialled at one of its ready endpoints.

    clients = WebhookClients(look, clock, random)
    raw = await clients.post(config, body, timeout_s=10.0)        raises CallFailed in client-go's words

Trust is the clientConfig's caBundle, or the system's CAs without one; a Service must have a certificate for
<name>.<namespace>.svc. Redirects are followed as Go's client does; who says when to come again (Retry-After) is asked
again. An answer is read up to ANSWER_BYTES_MAX, where upstream has no bound.

Source: apiserver pkg/util/webhook/{client,authentication}.go, client-go rest/request.go.
"""

from __future__ import annotations

import base64
import posixpath
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlsplit

import aiohttp
import orjson
from msgspec import Struct, field
from yarl import URL

from kubepy.api import ca_bundle, errors
from kubepy.api.builtins import ENDPOINT_SLICES, SERVICES
from kubepy.api.objects import Document, Obj
from kubepy.api.resources import Resource
from kubepy.apiserver.aggregation.connections import explained
from kubepy.apiserver.aggregation.routes import ServiceReference
from kubepy.apiserver.aggregation.services import SERVICE_NAME, Address, Unresolved, addresses
from kubepy.client.exec_plugin import ExecPlugin, PluginFailed
from kubepy.client.kubeconfig import show
from kubepy.lib.clock import Clock
from kubepy.lib.random import Random

ANSWER_BYTES_MAX = 32 << 20
# Source: Go's net/http defaultCheckRedirect.
_REDIRECTS_MAX = 10
# Source: client-go rest/request.go NewRequest.
_RETRIES_MAX = 10
# Source: client-go rest/request.go maxUnstructuredResponseTextBytes.
_MESSAGE_BYTES_MAX = 2048
_CONTEXTS_MAX = 256
# Source: Go's net/url shouldEscape.
_PATH_SAFE = "/$&+,:;=@"
_HEADERS = {
    "Content-Type": "application/json",
    "Accept": "application/json, */*",
    "User-Agent": "kube-apiserver-admission",
}

# (service, its EndpointSlices) by namespace and name
Look = Callable[[str, str], Awaitable[tuple[Obj | None, list[Obj]]]]


class CallFailed(Exception):
    """No answer, or none that says yes: what Go's client would have said, and the code that metrics know."""

    def __init__(self, message: str, code: int = 503) -> None:
        super().__init__(message)
        self.code = code


class _Later(CallFailed):
    """Not now."""

    def __init__(self, failure: CallFailed, wait_s: int) -> None:
        super().__init__(str(failure), failure.code)
        self.wait_s = wait_s


class Unusable(Exception):
    """A clientConfig that nobody can be called with."""


class Identity(Struct, frozen=True):
    """Who the API server is to a webhook; nobody, unless its operator says so."""

    headers: Mapping[str, str] = field(default_factory=dict)
    certificate: tuple[bytes, bytes] = (b"", b"")  # and its key, PEM
    plugin: ExecPlugin | None = None  # prints tokens


NOBODY = Identity()


class _Target(NamedTuple):
    shown: str  # the URL as texts have it
    url: URL
    host: str  # header
    server_name: str
    address: Address


class WebhookClients:
    """Connects with the first call; `close` ends what is in flight."""

    def __init__(self, look: Look, clock: Clock, random: Random) -> None:
        self._look, self._clock, self._random = look, clock, random
        self._contexts: dict[tuple[str, tuple[bytes, bytes]], ssl.SSLContext] = {}
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def post(
        self, config: Obj, body: bytes, *, timeout_s: float, query: str = "", identity: Identity = NOBODY
    ) -> Any:
        """The answer's JSON text. Raises CallFailed, Unusable."""
        context = self._context(config.get("caBundle") or "", identity)
        shown = _shown(config, query)
        target: _Target | None = None
        try:
            async with self._clock.timeout(timeout_s):
                target = await self._target(config, shown)
                return await self._answer(target, context, body, identity)
        except TimeoutError as error:
            raise CallFailed(f'Post "{shown}": context deadline exceeded') from error
        except Unresolved as error:
            raise CallFailed(f'Post "{shown}": {error}') from error
        except PluginFailed as error:
            raise CallFailed(f'Post "{shown}": getting credentials: {error}') from error
        except aiohttp.TooManyRedirects as error:
            last = error.history[-1].headers.get("Location", "")
            raise CallFailed(f'Post "{last}": stopped after {_REDIRECTS_MAX} redirects') from error
        except (aiohttp.ClientError, OSError) as error:
            assert target is not None, "only a target can fail so"
            name = target.server_name or target.address.host
            why = await explained(error, target.address, name, self._clock)
            raise CallFailed(f'Post "{shown}": {why}') from error

    async def _answer(
        self, target: _Target, context: ssl.SSLContext, body: bytes, identity: Identity
    ) -> bytes:
        """Raises CallFailed. Who says when to come again is asked again, as long as there is time."""
        for _ in range(_RETRIES_MAX):
            try:
                return await self._asked(target, context, body, identity)
            except _Later as later:
                await self._clock.sleep(later.wait_s)
        return await self._asked(target, context, body, identity)

    async def _asked(
        self, target: _Target, context: ssl.SSLContext, body: bytes, identity: Identity
    ) -> bytes:
        headers = {**_HEADERS, "Host": target.host, **identity.headers}
        if identity.plugin is not None:
            headers["Authorization"] = await identity.plugin.authorization(self._clock.now())
        async with self._opened().post(
            target.url, data=body, ssl=context, server_hostname=target.server_name or None, headers=headers,
            max_redirects=_REDIRECTS_MAX,
        ) as response:  # fmt: skip
            raw = await _whole(response)
            if response.status == 401 and identity.plugin is not None:
                identity.plugin.refused(headers["Authorization"])
            if not 200 <= response.status <= 206:
                failure = refused(response.status, response.headers.get("Content-Type", ""), raw)
                wait_s = retry_after_s(response.status, response.headers.get("Retry-After", ""))
                raise failure if wait_s is None else _Later(failure, wait_s)
            if not raw:
                kind = response.headers.get("Content-Type") or "application/json"
                raise CallFailed(
                    f"0-length response with status code: {response.status} and content type: {kind}"
                )
            return raw

    async def _target(self, config: Obj, shown: str) -> _Target:
        """Raises Unresolved."""
        parts = urlsplit(shown)
        if config.get("url"):
            address = Address(parts.hostname or "", parts.port or 443)
            return _Target(shown, URL(shown, encoded=True), parts.netloc, "", address)
        given = config["service"]
        reference = ServiceReference(given["namespace"], given["name"], given.get("port") or 443)
        service, slices = await self._look(given["namespace"], given["name"])
        address = self._random.shuffled(addresses(reference, service, slices))[0]
        url = URL.build(
            scheme="https",
            host=address.host,
            port=address.port,
            path=parts.path,
            query_string=parts.query,
            encoded=True,
        )
        return _Target(shown, url, parts.netloc, reference.host, address)

    def _context(self, bundle: str, identity: Identity) -> ssl.SSLContext:
        key = bundle, identity.certificate
        context = self._contexts.get(key)
        if context is None:
            if len(self._contexts) >= _CONTEXTS_MAX:
                self._contexts.clear()
            context = self._contexts[key] = _tls(bundle, identity)
        return context

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None), trust_env=False,
            )  # fmt: skip
        return self._session


def _shown(config: Obj, query: str) -> str:
    """As Go puts it together: the path cleaned, `query` behind it."""
    if url := config.get("url"):
        parts = urlsplit(url)
        base, path = f"{parts.scheme}://{parts.netloc}", parts.path
    elif service := config.get("service"):
        base = f"https://{service['name']}.{service['namespace']}.svc:{service.get('port') or 443}"
        path = service.get("path") or ""
    else:
        raise Unusable("webhook configuration must have either service or URL")
    clean = posixpath.normpath("/" + unquote(path).lstrip("/"))
    return base + quote(clean, safe=_PATH_SAFE) + (f"?{query}" if query else "")


def _tls(bundle: str, identity: Identity) -> ssl.SSLContext:
    if why := ca_bundle.error(bundle):
        raise Unusable(why)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # As in Go, any certificate of the bundle is an anchor, not only self-signed ones.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if bundle:
        context.load_verify_locations(cadata=base64.b64decode(bundle).decode("latin-1"))
    else:
        context.load_default_certs()
    if identity.certificate[0]:
        show(context, *identity.certificate)
    return context


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    parts, size = [], 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > ANSWER_BYTES_MAX:
            response.close()
            raise CallFailed(f"the answer is larger than {ANSWER_BYTES_MAX} bytes")
    return b"".join(parts)


def retry_after_s(code: int, header: str) -> int | None:
    """None: there is no use in coming again. Source: client-go rest/with_retry.go checkWait."""
    if code != 429 and code < 500:
        return None
    return int(header) if header.isascii() and header.isdigit() and len(header) < 10 else None


def refused(code: int, content_type: str, raw: bytes) -> CallFailed:
    """A code that means no: the Status in the body, or what the code stands for."""
    try:
        status = orjson.loads(raw)
    except orjson.JSONDecodeError:
        status = None
    if (
        isinstance(status, dict)
        and status.get("kind", "Status") == "Status"
        and status.get("status") == "Failure"
    ):
        return CallFailed(status.get("message") or "unknown", status.get("code") or code)
    is_text = not content_type or content_type.startswith("text/")
    text = raw[:_MESSAGE_BYTES_MAX].decode(errors="replace").strip() if is_text else "unknown"
    return CallFailed(_meaning(code, text), code)


_MEANINGS = {
    400: "the server rejected our request for an unknown reason",
    401: "the server has asked for the client to provide credentials",
    404: "the server could not find the requested resource",
    405: "the server does not allow this method on the requested resource",
    409: "the server reported a conflict",
    422: "the server rejected our request due to an error in our request",
    429: "the server has received too many requests and has asked us to try again later",
    503: "the server is currently unable to handle the request",
    504: "the server was unable to return a response in the time allotted, but may still be processing the request",
}
_THEIR_OWN_WORDS = (403, 415)


def _meaning(code: int, text: str) -> str:
    """Source: apimachinery api/errors NewGenericServerResponse."""
    if code in _THEIR_OWN_WORDS:
        return text
    if code == 406:
        unable = "the server was unable to respond with a content type that the client supports"
        return text if text not in ("", "unknown") else unable
    if code in _MEANINGS:
        return _MEANINGS[code]
    if code >= 500:
        return f"an error on the server ({errors.quote(text)}) has prevented the request from succeeding"
    return f"the server responded with the status code {code} but did not return more information"


def finder(
    find: Callable[[Resource, str, str], Awaitable[Document | None]],
    all_: Callable[[Resource, str], Awaitable[list[Document]]],
) -> Look:
    """How services are found in a registry."""

    async def look(namespace: str, name: str) -> tuple[Obj | None, list[Obj]]:
        service = await find(SERVICES, namespace, name)
        slices = [
            document.obj
            for document in await all_(ENDPOINT_SLICES, namespace)
            if (document.obj["metadata"].get("labels") or {}).get(SERVICE_NAME) == name
        ]
        return service.obj if service is not None else None, slices

    return look
