"""Where a mistake of our own stops: it ends one call or one tick, is reported, and goes no
further.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

Report = Callable[[str, BaseException], None]
"""Is told where something of ours broke, and how. Must not raise."""


class Guard:
    """``with guard:`` lets no ``Exception`` out; cancellation passes. May be entered again and
    again.
    """

    __slots__ = ("_report", "_where", "broken")

    def __init__(self, where: str, report: Report) -> None:
        self._where = where
        self._report = report
        self.broken = False

    def __enter__(self) -> Guard:
        self.broken = False
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        self.broken = True
        self._report(self._where, error)
        return True
