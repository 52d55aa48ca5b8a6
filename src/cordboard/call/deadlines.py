"""What a call waits for, by name: the only form in which time passes in the core."""

from __future__ import annotations

from cordboard.call.commands import Deadline


class Deadlines:
    """At most one deadline for each reason."""

    def __init__(self) -> None:
        self._at_ms: dict[str, int] = {}

    def set(self, reason: str, at_ms: int) -> None:
        """Set or move the deadline of ``reason``."""
        self._at_ms[reason] = at_ms

    def set_if_unset(self, reason: str, at_ms: int) -> None:
        """Set the deadline of ``reason`` unless it is already waited for."""
        self._at_ms.setdefault(reason, at_ms)

    def clear(self, *reasons: str) -> None:
        """Forget these deadlines, where they are set."""
        for reason in reasons:
            self._at_ms.pop(reason, None)

    def clear_all(self) -> None:
        """Forget every deadline."""
        self._at_ms.clear()

    def is_set(self, reason: str) -> bool:
        """Tell whether ``reason`` is waited for."""
        return reason in self._at_ms

    def next(self) -> Deadline | None:
        """Return the earliest deadline; of equal ones the one whose reason sorts first."""
        if not self._at_ms:
            return None
        at_ms, reason = min((at_ms, reason) for reason, at_ms in self._at_ms.items())
        return Deadline(at_ms, reason)

    def take_due(self, now_ms: int) -> str | None:
        """Remove the earliest deadline that has come and return its reason."""
        first = self.next()
        if first is None or first.at_ms > now_ms:
            return None
        del self._at_ms[first.reason]
        return first.reason
