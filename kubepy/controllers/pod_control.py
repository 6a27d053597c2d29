"""Pods made and ended on behalf of an owner, and told in the owner's events.

Source: kubernetes 1.36 pkg/controller/controller_utils.go, RealPodControl.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubepy.api import errors
from kubepy.api.builtins import PODS
from kubepy.api.objects import Obj
from kubepy.client.client import Client
from kubepy.client.transport import ConnectionLost
from kubepy.controllers import ownership

if TYPE_CHECKING:
    from kubepy.client.events import Recorder


class PodControl:
    def __init__(self, client: Client, events: Recorder) -> None:
        self._client, self._events = client, events

    async def create(self, owner: Obj, pod: Obj) -> Obj | None:
        """The pod as it was made; None if its namespace is going away, which is no failure of the owner's."""
        try:
            created = await self._client.create(PODS, pod)
        except errors.StatusError as error:
            if ownership.is_namespace_terminating(error):
                return None
            self._events.event(owner, "Warning", "FailedCreate", f"Error creating: {error.message}")
            raise
        message = f"Created pod: {created['metadata']['name']}"
        self._events.event(owner, "Normal", "SuccessfulCreate", message)
        return created

    async def delete(self, owner: Obj, pod: Obj) -> bool:
        """False if it was gone already."""
        metadata = pod["metadata"]
        try:
            await self._client.delete(PODS, metadata["name"], metadata["namespace"], uid=metadata["uid"])
        except errors.NotFound:
            return False
        except (errors.StatusError, ConnectionLost) as error:
            self._events.event(owner, "Warning", "FailedDelete", f"Error deleting: {error}")
            raise
        self._events.event(owner, "Normal", "SuccessfulDelete", f"Deleted pod: {metadata['name']}")
        return True
