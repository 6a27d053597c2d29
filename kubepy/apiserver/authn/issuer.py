"""What others need to verify our service account tokens: the issuer's OIDC configuration and its public keys.

Source: kubernetes pkg/serviceaccount/openidmetadata.go, pkg/routes/openidmetadata.go.
"""

from __future__ import annotations

from collections.abc import Callable

import orjson

from kubepy.api.objects import Obj
from kubepy.apiserver.authn.keys import Keys
from kubepy.apiserver.request import JSON, Handler, Request, Response, Verbatim

CONFIGURATION_PATH = "/.well-known/openid-configuration"
KEYS_PATH = "/openid/v1/jwks"

_MAX_AGE = {"Cache-Control": "public, max-age=3600"}


def paths(keys: Keys, *, issuer: str, address: Callable[[], str], jwks_uri: str = "") -> dict[str, Handler]:
    """For app.build's `paths`; `address()` is the API server's host:port, where the keys are unless `jwks_uri` says."""

    async def configuration(request: Request) -> Response:
        return _answer(
            {
                "issuer": issuer,
                "jwks_uri": jwks_uri or f"https://{address()}{KEYS_PATH}",
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": keys.algorithms,
            },
            JSON,
        )

    async def key_set(request: Request) -> Response:
        return _answer({"keys": [key.public() for key in keys.all]}, "application/jwk-set+json")

    return {CONFIGURATION_PATH: configuration, KEYS_PATH: key_set}


def _answer(obj: Obj, content_type: str) -> Response:
    return Verbatim(200, orjson.dumps(obj), content_type, dict(_MAX_AGE))
