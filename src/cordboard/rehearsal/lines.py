"""What a rehearsal shows: one line for each thing that happens."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from enum import StrEnum
from typing import Final

from cordboard.call.barge_in import BargeInRule
from cordboard.call.flow.actions import FlowAction
from cordboard.call.plan import VoicePlan
from cordboard.call.sound import Sound
from cordboard.ports import Clock


class Mark(StrEnum):
    """Who does it."""

    EVENT = "-->"
    ACTION = "<--"
    CALLER = ">>>"
    HERE = "..."
    TROUBLE = "!!!"


TOOK: Final = "the app took"
"""Begins the line that tells how long an answer was waited for."""


class Board:
    """Writes a line for each thing, with the milliseconds since the start; counts trouble."""

    def __init__(self, clock: Clock, write: Callable[[str], None]) -> None:
        self.trouble_count = 0
        self._clock = clock
        self._write = write
        self._start_ms = clock.now_ms()

    def show(self, mark: Mark, kind: str, content: Mapping[str, object] | None = None) -> None:
        """Write what happens now."""
        self.trouble_count += mark is Mark.TROUBLE
        self._write(line(self._clock.now_ms() - self._start_ms, mark, kind, content or {}))


def line(at_ms: int, mark: Mark, kind: str, content: Mapping[str, object]) -> str:
    """Return the line of what happens so many milliseconds after the start."""
    known = {name: value for name, value in content.items() if value is not None}
    told = json.dumps(known, ensure_ascii=False, default=str) if known else ""
    return f"{at_ms:>7} {mark.value} {kind} {told}".rstrip()


def action_fields(action: FlowAction) -> tuple[str, dict[str, object]]:
    """Return an action's name and what of it was said, as the call took it."""
    said: dict[str, object] = {}
    for each in fields(action):
        value = getattr(action, each.name)
        if value in (None, ""):
            continue
        said["barge_in" if each.name == "rule" else each.name] = _plain(value)
    return action.kind, said


def _plain(value: object) -> object:
    match value:
        case Sound(duration_ms=duration_ms):
            return f"{duration_ms} ms"
        case BargeInRule():
            return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
        case VoicePlan(provider=provider, voice=voice):
            return f"{provider} {voice}".strip()
        case StrEnum():
            return value.value
        case _:
            return value
