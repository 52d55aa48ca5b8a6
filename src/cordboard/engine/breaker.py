"""Providers that keep failing are left alone for a while, each for each organisation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cordboard.ports import ProviderError

FAILURES_COUNT = 3
WINDOW_MS = 30_000
PROBE_AFTER_MS = 10_000
LONGEST_WAIT_MS = 60_000
"""A provider that asks for more patience than this is tried again all the same."""

MOST_CIRCUITS = 10_000

_OURS = "rejected"
"""The class of failure that says something of the request, nothing of the provider."""


@dataclass(slots=True)
class _Circuit:
    """One provider as one organisation has seen it."""

    failed_at_ms: list[int] = field(default_factory=list)
    open_to_ms: int | None = None


class Breakers:
    """The circuits of a process. A circuit opens after three failures in 30 s without a success
    between them, or for as long as the provider asks; then one request in 10 s is let through
    until one succeeds.

    At most 10,000 circuits are kept; beyond that the oldest is forgotten.
    """

    def __init__(self) -> None:
        self._circuits: dict[tuple[str, int], _Circuit] = {}

    def of(self, organisation_id: str, now_ms: Callable[[], int]) -> Breaker:
        """Return what an organisation's call asks and tells."""
        return Breaker(self._circuits, organisation_id, now_ms)


class Breaker:
    """One organisation's circuits. Providers are told apart by identity."""

    __slots__ = ("_circuits", "_now_ms", "_organisation_id")

    def __init__(
        self,
        circuits: dict[tuple[str, int], _Circuit],
        organisation_id: str,
        now_ms: Callable[[], int],
    ) -> None:
        self._circuits = circuits
        self._organisation_id = organisation_id
        self._now_ms = now_ms

    def allows(self, provider: object) -> bool:
        """Tell whether the provider may be asked now. When its time is over, the first who asks is
        let through, and has 10 s to come back with a success.
        """
        circuit = self._circuits.get(self._key(provider))
        if circuit is None or circuit.open_to_ms is None:
            return True
        now_ms = self._now_ms()
        if now_ms < circuit.open_to_ms:
            return False
        circuit.open_to_ms = now_ms + PROBE_AFTER_MS
        return True

    def failed(self, provider: object, error: ProviderError) -> None:
        """Count a failure."""
        if error.failure == _OURS:
            return
        key, now_ms = self._key(provider), self._now_ms()
        circuit = self._circuits.get(key)
        if circuit is None:
            if len(self._circuits) >= MOST_CIRCUITS:
                del self._circuits[next(iter(self._circuits))]
            circuit = self._circuits[key] = _Circuit()
        recent = [at_ms for at_ms in circuit.failed_at_ms if at_ms > now_ms - WINDOW_MS]
        circuit.failed_at_ms = [*recent[1 - FAILURES_COUNT :], now_ms]
        if error.retry_after_s is not None:
            wait_ms = min(round(error.retry_after_s * 1000), LONGEST_WAIT_MS)
            circuit.open_to_ms = max(circuit.open_to_ms or 0, now_ms + wait_ms)
        if len(circuit.failed_at_ms) >= FAILURES_COUNT:
            circuit.open_to_ms = max(circuit.open_to_ms or 0, now_ms + PROBE_AFTER_MS)

    def opened(self, provider: object) -> None:
        """Note that a stream could be opened; whether it is of use is not known yet."""
        circuit = self._circuits.get(self._key(provider))
        if circuit is not None:
            circuit.open_to_ms = None

    def worked(self, provider: object) -> None:
        """Note a success: all failures are forgotten."""
        self._circuits.pop(self._key(provider), None)

    def _key(self, provider: object) -> tuple[str, int]:
        return self._organisation_id, id(provider)
