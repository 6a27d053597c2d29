"""What stops a request until a webhook has converted something; see conversion.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from kubepy.api.custom import own_of
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource

T = TypeVar("T")


class Unconverted(Exception):
    """These objects are wanted in the version of `to`."""

    def __init__(self, objs: Sequence[Obj], to: Resource) -> None:
        super().__init__(f"{len(objs)} objects wait for their conversion to {to.api_version}")
        self.objs, self.to = objs, to


class Unrendered(Exception):
    """Everything is done but for the answer, which waits for conversions."""

    def __init__(self, needs: Unconverted, render: Callable[[], Any]) -> None:
        super().__init__(str(needs))
        self.needs, self.render = needs, render


def rendered(render: Callable[[], Any]) -> Any:
    """What `render` makes of what is done."""
    try:
        return render()
    except Unconverted as needs:
        raise Unrendered(needs, render) from None


async def settled(run: Callable[[], T]) -> T:
    """What `run` gives, once the conversions that it needs are known."""
    while True:
        try:
            return run()
        except Unconverted as needs:
            conversions = own_of(needs.to).conversions
            assert conversions is not None, "others need no conversion"
            await conversions.convert(needs.objs, needs.to)
