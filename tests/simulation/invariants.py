"""What must hold after every step of a call, and when it is over."""

from __future__ import annotations

import hashlib
from collections import Counter

from cordboard.call.commands import (
    CancelReply,
    CloseCall,
    Command,
    Deadline,
    EndLeg,
    KeepFact,
    RunAction,
    SendDigits,
    Speak,
    StartReply,
)
from cordboard.call.events import (
    ActionFinished,
    DigitsSent,
    Event,
    PlayoutFailed,
    PlayoutFinished,
    PlayoutStopped,
    ReplyFailed,
    ReplyFinished,
)
from cordboard.call.machine import Call

QUIET_MS = 3_000


class Violated(AssertionError):
    """An invariant does not hold."""


class Watched:
    """A call's machine with somebody looking over its shoulder; a ``Brain`` itself."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.steps = 0
        self.closed: CloseCall | None = None
        self._trace = hashlib.sha256()
        self._spoken: dict[str, str] = {}
        self._open_utterances: set[str] = set()
        self._open_replies: set[str] = set()
        self._actions: Counter[str] = Counter()
        self._leg_ending = False
        self._ahead = ""

    @property
    def ended(self) -> bool:
        return self.call.ended

    @property
    def transcript(self) -> str:
        return self.call.transcript

    @property
    def trace(self) -> str:
        """A hash of all events and commands so far."""
        return self._trace.hexdigest()

    def next_deadline(self) -> Deadline | None:
        deadline = self.call.next_deadline()
        if deadline is not None and not deadline.reason:
            raise Violated("a deadline without a reason")
        return deadline

    def receive(self, event: Event, now_ms: int) -> list[Command]:
        self._note_event(event)
        return self._check(f"{now_ms} {event!r}", self.call.receive(event, now_ms))

    def handle_deadline(self, now_ms: int) -> list[Command]:
        return self._check(f"{now_ms} deadline", self.call.handle_deadline(now_ms))

    def forget_actions(self) -> None:
        """What was begun owes no outcome any more."""
        self._actions.clear()

    def judge_end(self) -> None:
        """Raise ``Violated`` unless everything that was begun has come to an end."""
        if self.closed is None or not self.call.ended:
            raise Violated("the call was never closed")
        running = [call_id for call_id, count in self._actions.items() if count > 0]
        if running and self.closed.reason.value not in ("internal_error", "interrupted"):
            raise Violated(f"actions without an outcome: {running}")

    def _note_event(self, event: Event) -> None:
        match event:
            case PlayoutFinished() | PlayoutStopped() | PlayoutFailed():
                self._open_utterances.discard(event.utterance_id)
            case ReplyFinished() | ReplyFailed():
                self._open_replies.discard(event.reply_id)
            case ActionFinished():
                self._actions[event.action_call_id] -= 1
            case DigitsSent():
                self._actions[event.request_id] -= 1

    def _check(self, cause: str, commands: list[Command]) -> list[Command]:
        self.steps += 1
        self._trace.update(f"{cause} -> {commands!r}\n".encode())
        for command in commands:
            if self.closed is not None:
                raise Violated(f"{command!r} after the call was closed")
            self._check_one(command)
        return commands

    def _check_one(self, command: Command) -> None:  # noqa: C901  (a table of rules)
        if self._ahead and isinstance(command, (Speak, RunAction, SendDigits)):
            raise Violated(f"{command!r} while {self._ahead} is only begun ahead")
        match command:
            case KeepFact(kind="reply_begun_ahead", content=content):
                self._ahead = str(content["reply_id"])
            case KeepFact(kind="reply_started"):
                self._ahead = ""
            case CloseCall():
                self.closed = command
            case EndLeg():
                if self._leg_ending:
                    raise Violated("the leg was ended twice")
                self._leg_ending = True
            case Speak():
                if self._leg_ending:
                    raise Violated(f"{command!r} after the leg was ended")
                self._spoken[command.utterance_id] = command.text
                self._open_utterances.add(command.utterance_id)
            case StartReply():
                if self._open_replies:
                    raise Violated(f"{command.reply_id} while {self._open_replies} is being made")
                if self._leg_ending:
                    raise Violated("a reply after the leg was ended")
                self._open_replies.add(command.reply_id)
            case CancelReply():
                self._open_replies.discard(command.reply_id)
                self._ahead = ""
            case RunAction():
                self._begin_action(command.call.action_call_id)
            case SendDigits():
                self._begin_action(command.request_id)
            case KeepFact(kind="heard"):
                self._check_heard(command)

    def _check_heard(self, fact: KeepFact) -> None:
        spoken = self._spoken.get(str(fact.content["utterance_id"]))
        heard = str(fact.content.get("text", ""))
        if spoken is not None and not spoken.startswith(heard):
            raise Violated(f"heard {heard!r} of {spoken!r}")

    def _begin_action(self, action_call_id: str) -> None:
        if self._actions[action_call_id]:
            raise Violated(f"{action_call_id} was run twice")
        self._actions[action_call_id] += 1
