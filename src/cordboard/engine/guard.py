"""Where a mistake of our own stops: it ends one call or one tick, is reported, and goes no
further.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from cordboard.ports import ProviderError

Report = Callable[[str, BaseException], None]
"""Is told where something of ours broke, and how. Must not raise."""


class ProviderGuard:
    """``with guard:`` turns any mistake in a provider's adapter into its failure, and reports
    it.
    """

    __slots__ = ("_report", "_where")

    def __init__(self, where: str, report: Report) -> None:
        self._where = where
        self._report = report

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not isinstance(error, Exception) or isinstance(error, ProviderError):
            return
        self._report(self._where, error)
        raise ProviderError("bad_answer", retryable=True) from error


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
