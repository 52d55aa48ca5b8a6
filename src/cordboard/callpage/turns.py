"""A call's facts, read as a conversation: who said what when, and how long each stage took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

_LONGEST_MS: Final = 1_000_000_000


class FactLike(Protocol):
    """An entry of a call's timeline: ``ports.Fact`` and the row of it are both one."""

    @property
    def sequence(self) -> int:
        """Its place in the call."""
        ...

    @property
    def kind(self) -> str:
        """What happened, in one word."""
        ...

    @property
    def at(self) -> datetime:
        """When it was noted, in UTC."""
        ...

    @property
    def at_ms(self) -> int | None:
        """When it was noted, on the call's timeline."""
        ...

    @property
    def content(self) -> Mapping[str, object]:
        """What there is to say about it, in JSON values."""
        ...


@dataclass(slots=True)
class Utterance:
    """Something the agent was to say; ``heard`` is what the caller heard of it."""

    utterance_id: str
    text: str
    kind: str = ""
    start_ms: int | None = None
    end_ms: int | None = None
    heard: str | None = None
    whole: bool | None = None


@dataclass(slots=True)
class ActionRun:
    """One run of an action."""

    action_call_id: str
    name: str
    arguments: object = None
    started_ms: int | None = None
    sent_ms: int | None = None
    finished_ms: int | None = None
    success: bool | None = None
    outcome: str = ""
    status_code: object = None
    result: object = None
    agent_message: str | None = None


@dataclass(slots=True)
class CallerWords:
    """What the caller said in one turn, and why the turn was taken to be over."""

    text: str
    turn_id: str = ""
    reason: str = ""
    start_ms: int | None = None
    stopped_ms: int | None = None
    ended_ms: int | None = None
    waited_ms: object = None


@dataclass(slots=True)
class Stages:
    """When each stage of an answer was reached, on the call's timeline.

    ``first_text_ms`` is the first text of a language model, or ``by_app`` the answer of a flow's
    app.
    """

    stopped_ms: int | None = None
    ended_ms: int | None = None
    first_text_ms: int | None = None
    first_sound_ms: int | None = None
    playout_ms: int | None = None
    by_app: bool = False

    @property
    def delay_ms(self) -> int | None:
        """The response delay: from the end of the caller's speech to the agent's first sound."""
        if self.stopped_ms is None or self.playout_ms is None:
            return None
        return self.playout_ms - self.stopped_ms


@dataclass(slots=True)
class Note:
    """Something that changed the course of the conversation, such as a barge-in."""

    kind: str
    text: str
    at_ms: int | None


Item = CallerWords | Utterance | ActionRun | Note


@dataclass(slots=True)
class Exchange:
    """A caller's turn and what followed it; the first has no caller's turn."""

    number: int
    caller: CallerWords | None = None
    items: list[Item] = field(default_factory=list)
    stages: Stages = field(default_factory=Stages)


def whole_ms(value: object) -> int | None:
    """Return a number of milliseconds, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if abs(value) < _LONGEST_MS else None


def position_ms(fact: FactLike) -> int | None:
    """Return where a fact stands: the position it names, else when it was noted."""
    named = whole_ms(fact.content.get("at_ms"))
    return named if named is not None else fact.at_ms


def conversation(facts: Sequence[FactLike]) -> list[Exchange]:
    """Return the exchanges of a call; kinds of fact that are not known are passed over."""
    reader = _Reader()
    for fact in facts:
        handler = _HANDLERS.get(fact.kind)
        if handler is not None:
            handler(reader, fact)
    return reader.exchanges


class _Reader:
    """Follows the facts and files each under the exchange that is under way."""

    def __init__(self) -> None:
        self.exchanges = [Exchange(0)]
        self._utterances: dict[str, Utterance] = {}
        self._actions: dict[str, ActionRun] = {}
        self._speech_ms: int | None = None
        self._silence_ms: int | None = None

    @property
    def _now(self) -> Exchange:
        return self.exchanges[-1]

    def speech(self, fact: FactLike) -> None:
        if fact.kind == "speech_stopped":
            self._silence_ms = position_ms(fact)
        elif self._speech_ms is None:
            self._speech_ms = position_ms(fact)

    def turn_ended(self, fact: FactLike) -> None:
        content = fact.content
        stopped = whole_ms(content.get("caller_stopped_at_ms"))
        words = CallerWords(
            text=_text(content, "text"),
            turn_id=_text(content, "turn_id"),
            reason=_text(content, "reason"),
            start_ms=self._speech_ms,
            stopped_ms=self._silence_ms if stopped is None else stopped,
            ended_ms=fact.at_ms,
            waited_ms=content.get("waited_ms"),
        )
        if words.start_ms is None or (words.stopped_ms or 0) < words.start_ms:
            words.start_ms = words.stopped_ms
        self._speech_ms = None
        exchange = Exchange(len(self.exchanges), words)
        exchange.stages = Stages(stopped_ms=words.stopped_ms, ended_ms=words.ended_ms)
        self.exchanges.append(exchange)

    def caller_turn(self, fact: FactLike) -> None:
        words = CallerWords(
            text=_text(fact.content, "text"),
            turn_id=_text(fact.content, "turn_id"),
            reason=_text(fact.content, "reason"),
            start_ms=self._speech_ms,
            stopped_ms=self._silence_ms,
            ended_ms=fact.at_ms,
        )
        known = self._now.caller
        if words.turn_id and known is not None and known.turn_id == words.turn_id:
            return
        self._speech_ms = None
        self._now.items.append(words)

    def first(self, fact: FactLike) -> None:
        stages = self._now.stages
        if fact.kind == "first_sound":
            if stages.first_sound_ms is None:
                stages.first_sound_ms = fact.at_ms
        elif stages.first_text_ms is None:
            stages.first_text_ms = fact.at_ms

    def app_answered(self, fact: FactLike) -> None:
        """An app's first deed after what the caller said; that it has nothing to do is none."""
        content, stages = fact.content, self._now.stages
        if content.get("type") != "user_speak" or not content.get("acts"):
            return
        if stages.first_text_ms is None:
            stages.first_text_ms, stages.by_app = fact.at_ms, True

    def utterance(self, fact: FactLike) -> None:
        utterance_id = _text(fact.content, "utterance_id")
        text = _text(fact.content, "text")
        kind = _text(fact.content, "utterance_kind")
        if fact.kind == "bridge":
            kind, text = "bridge", text or _text(fact.content, "phrase").replace("_", " ")
        found = Utterance(utterance_id, text, kind)
        self._utterances[utterance_id] = found
        self._now.items.append(found)

    def playout(self, fact: FactLike) -> None:
        at_ms, stages = position_ms(fact), self._now.stages
        found = self._utterances.get(_text(fact.content, "utterance_id"))
        if fact.kind == "playout_finished":
            if found is not None:
                found.end_ms = at_ms
            return
        if found is not None:
            found.start_ms = at_ms
        if stages.playout_ms is None:
            stages.playout_ms = at_ms

    def heard(self, fact: FactLike) -> None:
        found = self._utterances.get(_text(fact.content, "utterance_id"))
        if found is None:
            found = Utterance(_text(fact.content, "utterance_id"), _text(fact.content, "text"))
            self._now.items.append(found)
        found.heard = _text(fact.content, "text")
        found.whole = fact.content.get("whole") is not False
        if found.end_ms is None:
            found.end_ms = position_ms(fact)

    def action(self, fact: FactLike) -> None:
        run, content = self._action(fact), fact.content
        if fact.kind == "action_started":
            run.arguments = content.get("arguments")
            run.started_ms = fact.at_ms
        elif fact.kind == "action_sent":
            run.sent_ms = fact.at_ms
        else:
            run.finished_ms = fact.at_ms
            run.success = bool(content.get("success"))
            run.outcome = _text(content, "outcome_class")
            run.status_code = content.get("status_code")
            run.result = content.get("result")
            run.agent_message = _text(content, "agent_message") or None

    def note(self, fact: FactLike) -> None:
        shown = {key: value for key, value in fact.content.items() if key != "at_ms"}
        text = " · ".join(str(value) for value in shown.values() if value not in (None, ""))
        self._now.items.append(Note(fact.kind, text, position_ms(fact)))

    def _action(self, fact: FactLike) -> ActionRun:
        action_call_id = _text(fact.content, "action_call_id")
        run = self._actions.get(action_call_id)
        if run is None:
            run = ActionRun(action_call_id, _text(fact.content, "function_name") or "action")
            self._actions[action_call_id] = run
            self._now.items.append(run)
        return run


_HANDLERS = {
    "speech_started": _Reader.speech,
    "speech_stopped": _Reader.speech,
    "turn_ended": _Reader.turn_ended,
    "caller_turn": _Reader.caller_turn,
    "first_text": _Reader.first,
    "reply_first_text": _Reader.first,
    "app_answered": _Reader.app_answered,
    "utterance": _Reader.utterance,
    "bridge": _Reader.utterance,
    "first_sound": _Reader.first,
    "playout_started": _Reader.playout,
    "playout_finished": _Reader.playout,
    "heard": _Reader.heard,
    "action_started": _Reader.action,
    "action_sent": _Reader.action,
    "action_finished": _Reader.action,
    **dict.fromkeys(
        (
            "barge_in",
            "resumed",
            "backchannel",
            "provider_failed",
            "provider_recovered",
            "recording_failed",
            "reply_failed",
            "action_refused",
            "gave_up",
            "leg_held",
            "leg_resumed",
            "digit",
            "digits_sent",
            "flow_failure",
            "flow_warning",
            "flow_problem",
            "flow_lost",
            "flow_back",
            "flow_given_up",
            "transfer_started",
            "transfer_failed",
        ),
        _Reader.note,
    ),
}


def _text(content: Mapping[str, object], key: str) -> str:
    value = content.get(key)
    return "" if value is None else str(value)
