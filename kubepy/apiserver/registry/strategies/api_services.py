"""APIServices: those that this server serves itself are available from the start.

Source: kube-aggregator pkg/registry/apiservice/strategy.go, pkg/apis/apiregistration/helpers.go.
"""

from __future__ import annotations

from kubepy.api.objects import Obj
from kubepy.apiserver.registry.strategies.base import Moment, Unchecked


class APIServiceStrategy(Unchecked):
    keeps_metadata_on_status_update = True

    def prepare_create(self, obj: Obj, moment: Moment) -> None:
        super().prepare_create(obj, moment)
        if (obj.get("spec") or {}).get("service") is None:
            obj["status"] = {
                "conditions": [
                    {
                        "type": "Available",
                        "status": "True",
                        "lastTransitionTime": moment.now,
                        "reason": "Local",
                        "message": "Local APIServices are always available",
                    }
                ]
            }
