"""Policy: what of the caller's sound may cut off one utterance, where its author says so."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class BargeInStrategy(StrEnum):
    """How an utterance may be interrupted, by the names of the flow protocol."""

    NONE = "none"
    MANUAL = "manual"
    MINIMUM_CHARACTERS = "minimum_characters"
    IMMEDIATE = "immediate"


@dataclass(frozen=True, slots=True, kw_only=True)
class BargeInRule:
    """When the caller takes the floor from an utterance; without a rule the agent's sensitivity
    decides.

    ``minimum_characters`` counts the words recognised so far, partial ones too. Within
    ``allow_after_ms`` of its first sound an utterance cannot be interrupted.
    """

    strategy: BargeInStrategy = BargeInStrategy.MINIMUM_CHARACTERS
    minimum_characters: int = 3
    allow_after_ms: int = 0

    @property
    def yields(self) -> bool:
        """Whether the caller can interrupt by speaking."""
        return self.strategy in (BargeInStrategy.MINIMUM_CHARACTERS, BargeInStrategy.IMMEDIATE)
