"""The frozen snapshot of a flow that one call runs on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import cast

from cordboard.call.barge_in import BargeInRule, BargeInStrategy


class Waiting(StrEnum):
    """What the caller hears while the app has the turn."""

    COMFORT = "comfort"
    PHRASE = "phrase"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowPlan:
    """How one flow's app is reached, and what its calls do where the app does not say.

    ``answers_each`` tells that every event has an answer of its own (HTTP), and is not part of a
    free exchange (WebSocket). ``speaks_at_end`` sends ``assistant_speak`` when the speech has
    ended. Where the app is gone the caller is handed over to ``fallback_number``, or hears
    ``fallback_text``, or else a stored goodbye.
    """

    flow_id: str
    url: str
    name: str = ""
    answers_each: bool = True
    rule: BargeInRule = field(default_factory=BargeInRule)
    turn_silence_ms: int | None = None
    answer_within_ms: int = 10_000
    answer_delay_ms: int = 0
    speaks_at_end: bool = False
    waiting: Waiting = Waiting.COMFORT
    fallback_text: str = ""
    fallback_number: str | None = None
    digits_only: bool = False
    sends_barge_in: bool = False
    sends_transcript: bool = False

    def to_json(self) -> dict[str, object]:
        """Return the plan as plain JSON values; ``from_json`` reads it back equal."""
        return {
            **asdict(self),
            "rule": {**asdict(self.rule), "strategy": self.rule.strategy.value},
            "waiting": self.waiting.value,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> FlowPlan:
        """Read what ``to_json`` wrote; raises ``KeyError``, ``TypeError`` or ``ValueError`` on
        anything else.
        """
        rest = dict(value)
        rule = dict(cast(Mapping[str, object], rest.pop("rule")))
        strategy = BargeInStrategy(str(rule.pop("strategy")))
        return cls(
            rule=BargeInRule(strategy=strategy, **rule),  # type: ignore[arg-type]
            waiting=Waiting(str(rest.pop("waiting"))),
            **rest,  # type: ignore[arg-type]
        )
