"""Every write is refused, for tests.

Source: kubernetes plugin/pkg/admission/deny/admission.go.
"""

from __future__ import annotations

from kubepy.apiserver.admission.base import Attributes, Plugin, forbidden

_WHY = "admission control is denying all modifications"


class AlwaysDeny(Plugin):
    name = "AlwaysDeny"
    mutates = True
    validates = True

    async def admit(self, attributes: Attributes) -> None:
        raise forbidden(attributes, _WHY)

    async def validate(self, attributes: Attributes) -> None:
        raise forbidden(attributes, _WHY)
