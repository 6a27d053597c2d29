"""The filters of the chain, one small file each. app.py has their order.

A filter is a function that is given what it needs once and returns a `Filter`: given the next handler, the handler to
use in its place. Errors are raised as StatusErrors; only panic_recovery turns them into answers.
"""

from __future__ import annotations

from collections.abc import Callable

from kubepy.apiserver.request import Handler

Filter = Callable[[Handler], Handler]
