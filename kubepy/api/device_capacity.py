"""How fine the steps are in which a device's capacity is given away.

Source: kubernetes 1.37 dynamic-resource-allocation structured/internal/experimental/consumable_capacity.go (useMilli),
DRAFractionalCapacityRange, on by default. Differs: in versions before it, too, where whole numbers were counted.
"""

from __future__ import annotations

from kubepy.api import quantity
from kubepy.api.objects import Obj
from kubepy.api.quantity import NANOS

_MILLI = NANOS // 1000


class Steps:
    """Of a validRange that has a `step`: thousandths if all it names are such, or else whole numbers, rounded up."""

    def __init__(self, allowed: Obj) -> None:
        step = quantity.parse(allowed["step"])
        named = [quantity.nano(allowed[name]) for name in ("min", "max", "step") if name in allowed]
        is_fine = step.nanos >= _MILLI and all(nanos % _MILLI == 0 for nanos in named)
        self._unit = _MILLI if is_fine else NANOS
        self._format = step.format
        self._least, self._step = self._count(quantity.nano(allowed["min"])), self._count(step.nanos) or 1

    def _count(self, nanos: int) -> int:
        return -(-nanos // self._unit)

    def is_on_one(self, amount: quantity.Quantity) -> bool:
        return (self._count(amount.nanos) - self._least) % self._step == 0

    def next_from(self, amount: quantity.Quantity) -> quantity.Quantity:
        """The amount if it is on a step, or the next one above."""
        steps = -((self._least - self._count(amount.nanos)) // self._step)
        return quantity.Quantity((self._least + steps * self._step) * self._unit, self._format)
