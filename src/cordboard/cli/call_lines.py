"""A call's facts as lines for a terminal, one after the other as they come."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from cordboard.ports import Fact
from cordboard.storage.tables import CallEvent

_MAX_LENGTH: Final = 500


class CallLines:
    """Turns facts, given in order, into lines.

    An utterance of the agent is shown when its first sound is played, with the response delay
    where it answers a turn; how much of it was heard follows only when that was not all.
    """

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._shown: set[str] = set()
        self._stopped_ms: int | None = None

    def lines(self, fact: Fact | CallEvent) -> list[str]:
        """Return the lines that this fact adds, without line ends; most facts add none."""
        content = fact.content
        if fact.kind in ("turn_ended", "caller_turn"):
            return self._caller(fact)
        if fact.kind in ("utterance", "bridge"):
            text = content.get("text") or str(content.get("phrase", "")).replace("_", " ")
            self._texts[_text(content, "utterance_id")] = str(text)
            return []
        if fact.kind == "playout_started":
            return self._agent(fact)
        if fact.kind == "heard":
            return self._heard(fact)
        if fact.kind == "action_started":
            values = json.dumps(content.get("arguments", {}), ensure_ascii=False, default=str)
            return [_line(fact, "ACTION", f"{_text(content, 'function_name')} {values}")]
        if fact.kind == "action_finished":
            return [_line(fact, "ACTION", f"→ {_answer(content)}")]
        if fact.kind == "barge_in":
            return [_line(fact, "", f"(barge-in: {_text(content, 'reason')})")]
        if fact.kind in ("provider_failed", "recording_failed", "reply_failed"):
            words = fact.kind.replace("_", " ")
            return [_line(fact, "", f"({words}: {_text(content, 'failure')})")]
        if fact.kind == "leg_answered":
            return [_line(fact, "", "(answered)")]
        return []

    def _caller(self, fact: Fact | CallEvent) -> list[str]:
        stopped = fact.content.get("caller_stopped_at_ms")
        if fact.kind == "turn_ended":
            self._stopped_ms = stopped if isinstance(stopped, int) else None
        reason = _text(fact.content, "reason").replace("_", " ")
        said = _text(fact.content, "text") or "(no words)"
        return [_line(fact, "CALLER", said + (f"  [{reason}]" if reason else ""))]

    def _agent(self, fact: Fact | CallEvent) -> list[str]:
        utterance_id = _text(fact.content, "utterance_id")
        text = self._texts.get(utterance_id, "")
        position = fact.content.get("at_ms", fact.at_ms)
        delay = ""
        if self._stopped_ms is not None and isinstance(position, int):
            delay = f"  [{position - self._stopped_ms} ms]"
        self._stopped_ms = None
        self._shown.add(utterance_id)
        return [_line(fact, "AGENT", (text or "(sound)") + delay)]

    def _heard(self, fact: Fact | CallEvent) -> list[str]:
        utterance_id, text = _text(fact.content, "utterance_id"), _text(fact.content, "text")
        self._texts.pop(utterance_id, None)
        shown = utterance_id in self._shown
        self._shown.discard(utterance_id)
        if fact.content.get("whole") is False and shown:
            return [_line(fact, "", f"(cut short; heard: {text or 'nothing'})")]
        return [] if shown or not text else [_line(fact, "AGENT", text)]


def printable(text: str) -> str:
    """Return text in one line that cannot steer a terminal, cut to a length."""
    safe = "".join(char if char.isprintable() else " " for char in text[: _MAX_LENGTH + 1])
    return safe if len(safe) <= _MAX_LENGTH else safe[:_MAX_LENGTH] + "…"


def clock(at_ms: int | None) -> str:
    """Return a position as minutes, seconds and tenths."""
    if at_ms is None:
        return "-"
    tenths = max(0, at_ms) // 100
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


def _line(fact: Fact | CallEvent, who: str, text: str) -> str:
    position = fact.content.get("at_ms", fact.at_ms)
    shown = clock(position if isinstance(position, int) else fact.at_ms)
    return f"{shown:>8}  {who:<6}  {printable(text)}"


def _answer(content: Mapping[str, object]) -> str:
    parts = [_text(content, "outcome_class"), _text(content, "status_code")]
    result = content.get("result")
    if result:
        parts.append(json.dumps(result, ensure_ascii=False, default=str))
    return " ".join(part for part in parts if part)


def _text(content: Mapping[str, object], key: str) -> str:
    value = content.get(key)
    return "" if value is None else str(value)
