"""Whose packets are heard, and where ours go: source locking for one RTP stream.

The signalled address is trusted first, then another port of the same host (or of the host that
signals for it), then, only where the trunk allows it, any address. Everything but a first packet
from the very address has to show four consecutive sequence numbers, and a stream that is alive is
never displaced. Nothing is ever sent to an address that has not passed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum

Address = tuple[str, int]

PROBATION_PACKETS = 4
RELATCHES_MAX = 1
ALIVE_MS = 100
SILENCE_MS = 500
SETTLE_MS = 1000
_AHEAD_MAX = 3000
_BEHIND_MAX = 100
_CANDIDATES_MAX = 16


class NatMode(StrEnum):
    """Which addresses may become the source.

    ``SAME_HOST``: the signalled host and the hosts named with it, on any port. ``ANY``: any
    address that is the only one to try for a second; who sprays alone for that long is believed,
    so it is for trunks whose media comes from elsewhere and whose port range is not reachable by
    everybody.
    """

    SAME_HOST = "same_host"
    ANY = "any"


class _Rank(IntEnum):
    EXACT = 0
    HOST = 1
    ANY = 2
    NEVER = 3


@dataclass(slots=True)
class _Stream:
    """What has been seen of one source: its last sequence number and how many came in a row."""

    source: Address
    ssrc: int
    rank: _Rank
    sequence: int
    first_ms: int
    last_ms: int
    in_a_row: int = 1

    def follow(self, sequence: int, now_ms: int) -> None:
        """Count a packet; one out of order begins the count anew, a repeated one is no news."""
        step = (sequence - self.sequence) & 0xFFFF
        if step == 0:
            return
        if step != 1:
            self.in_a_row, self.first_ms = 0, now_ms
        self.in_a_row += 1
        self.sequence = sequence
        self.last_ms = now_ms


class SourceLock:
    """Decides packet by packet for one leg.

    ``expected`` is the address of the SDP; ``hosts`` are further hosts that count as the same
    (where the signalling came from, for a caller behind NAT). ``refused_count`` counts packets.
    """

    __slots__ = (
        "_candidates",
        "_expected",
        "_hosts",
        "_nat",
        "_relatches",
        "_since_ms",
        "_stream",
        "refused_count",
    )

    def __init__(
        self,
        expected: Address,
        nat: NatMode = NatMode.SAME_HOST,
        hosts: Iterable[str] = (),
    ) -> None:
        self._expected = expected
        self._nat = nat
        self._hosts = frozenset(hosts)
        self._stream: _Stream | None = None
        self._candidates: dict[tuple[Address, int], _Stream] = {}
        self._relatches = 0
        self._since_ms: int | None = None  # of the first packet under this expectation
        self.refused_count = 0

    @property
    def target(self) -> Address:
        """Return where to send: the locked source, and the signalled address until there is one."""
        return self._stream.source if self._stream is not None else self._expected

    def expect(self, expected: Address) -> None:
        """Follow a new SDP (a re-INVITE); the same address changes nothing."""
        if expected == self._expected:
            return
        self._expected = expected
        self._stream = None
        self._candidates.clear()
        self._relatches = 0
        self._since_ms = None

    def accept(self, source: Address, sequence: int, ssrc: int, now_ms: int) -> bool:
        """Tell whether a packet is to be heard. ``now_ms`` is monotonic."""
        stream = self._stream
        if stream is not None and stream.source == source and stream.ssrc == ssrc:
            step = (sequence - stream.sequence) & 0xFFFF
            if step < _AHEAD_MAX:
                stream.sequence, stream.last_ms = sequence, now_ms
                return True
            if step > 0xFFFF - _BEHIND_MAX:
                return True
        if self._since_ms is None:
            self._since_ms = now_ms
        rank = self._rank(source)
        if rank is not _Rank.NEVER and self._try(source, sequence, ssrc, rank, now_ms):
            return True
        self.refused_count += 1
        return False

    def _rank(self, source: Address) -> _Rank:
        if source == self._expected:
            return _Rank.EXACT
        if source[0] == self._expected[0] or source[0] in self._hosts:
            return _Rank.HOST
        return _Rank.ANY if self._nat is NatMode.ANY else _Rank.NEVER

    def _try(self, source: Address, sequence: int, ssrc: int, rank: _Rank, now_ms: int) -> bool:
        """Put a stream that is not the locked one to the test; lock it when it has passed."""
        candidate = self._candidates.get((source, ssrc))
        if candidate is None:
            candidate = _Stream(source, ssrc, rank, sequence, now_ms, now_ms)
            if not self._admit(candidate):
                return False
        else:
            candidate.follow(sequence, now_ms)
        if not self._passes(candidate, now_ms):
            return False
        if self._stream is not None and source not in (self._stream.source, self._expected):
            self._relatches += 1
        self._stream = candidate
        self._candidates.clear()
        return True

    def _passes(self, candidate: _Stream, now_ms: int) -> bool:
        stream = self._stream
        if stream is None and candidate.rank is _Rank.EXACT:
            return True
        if candidate.in_a_row < PROBATION_PACKETS:
            return False
        if stream is None:
            return candidate.rank is _Rank.HOST or self._alone(candidate, now_ms)
        if candidate.rank < stream.rank:
            return True
        if stream.last_ms >= candidate.first_ms or now_ms - stream.last_ms < ALIVE_MS:
            return False
        if candidate.source == stream.source:
            return True
        if now_ms - stream.last_ms < SILENCE_MS:
            return False
        back_home = candidate.rank is _Rank.EXACT
        if not back_home and self._relatches >= RELATCHES_MAX:
            return False
        return candidate.rank is not _Rank.ANY or self._alone(candidate, now_ms)

    def _alone(self, candidate: _Stream, now_ms: int) -> bool:
        """Tell whether nobody else has tried for as long as it takes the right one to appear."""
        since_ms = self._since_ms if self._since_ms is not None else now_ms
        if now_ms - max(since_ms, candidate.first_ms) < SETTLE_MS:
            return False
        return all(
            other is candidate or now_ms - other.last_ms > SETTLE_MS
            for other in self._candidates.values()
        )

    def _admit(self, candidate: _Stream) -> bool:
        """Remember a newcomer; with too many, the worst and oldest goes."""
        candidates = self._candidates
        if len(candidates) >= _CANDIDATES_MAX:
            key, worst = max(candidates.items(), key=lambda item: (item[1].rank, -item[1].last_ms))
            if worst.rank < candidate.rank:
                return False
            del candidates[key]
        candidates[candidate.source, candidate.ssrc] = candidate
        return True
