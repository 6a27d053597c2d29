"""Nothing is refused; upstream keeps it for old configurations, and so does this.

Source: kubernetes plugin/pkg/admission/admit/admission.go.
"""

from __future__ import annotations

from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import Plugin


class AlwaysAdmit(Plugin):
    name = "AlwaysAdmit"

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        return False
