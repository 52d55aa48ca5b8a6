"""The timeline held against the recording: what the engine noted, and what is to be heard."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from cordboard.callpage.sound import Sound, Stretch, stretches
from cordboard.callpage.turns import Exchange

TOLERANCE_MS: Final = 20
_REACH_MS: Final = 600


@dataclass(frozen=True, slots=True)
class Measured:
    """One moment as noted and as heard; None where there is nothing to compare."""

    noted_ms: int | None
    heard_ms: int | None

    @property
    def difference_ms(self) -> int | None:
        """Heard minus noted."""
        if self.noted_ms is None or self.heard_ms is None:
            return None
        return self.heard_ms - self.noted_ms

    @property
    def is_off(self) -> bool:
        """Whether the two differ by more than the tolerance."""
        difference_ms = self.difference_ms
        return difference_ms is not None and abs(difference_ms) > TOLERANCE_MS


@dataclass(frozen=True, slots=True)
class TurnTiming:
    """One exchange's response, noted and heard."""

    exchange: Exchange
    stopped: Measured
    playout: Measured
    delay: Measured


def timings(exchanges: Iterable[Exchange], sound: Sound | None) -> list[TurnTiming]:
    """Return the timing of every exchange in which the agent made a sound."""
    caller = stretches(sound.caller, sound.rate_hz) if sound is not None else []
    agent = stretches(sound.agent, sound.rate_hz) if sound is not None else []
    found = []
    for exchange in exchanges:
        stages = exchange.stages
        if stages.playout_ms is None:
            continue
        stopped = _nearest([each.end_ms for each in caller], stages.stopped_ms)
        begun = _nearest([each.start_ms for each in agent], stages.playout_ms)
        heard = None if stopped is None or begun is None else begun - stopped
        found.append(
            TurnTiming(
                exchange,
                Measured(stages.stopped_ms, stopped),
                Measured(stages.playout_ms, begun),
                Measured(stages.delay_ms, heard),
            )
        )
    return found


def talked_ms(found: Iterable[Stretch]) -> int:
    """Return how long a side made sound."""
    return sum(each.end_ms - each.start_ms for each in found)


def quantile(values: Sequence[int], part: float) -> int | None:
    """Return the value below or at which ``part`` (0 to 1) of the values lie; None of none."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]


def _nearest(candidates: Sequence[int], wanted_ms: int | None) -> int | None:
    if wanted_ms is None or not candidates:
        return None
    best = min(candidates, key=lambda each: abs(each - wanted_ms))
    return best if abs(best - wanted_ms) <= _REACH_MS else None
