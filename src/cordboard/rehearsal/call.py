"""One call of a flow: the machine that real calls run on, with text in the place of sound."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable

from cordboard.call.actions import ActionOutcome
from cordboard.call.commands import (
    AnswerLeg,
    CloseCall,
    Command,
    EndLeg,
    KeepFact,
    MixSound,
    PauseSpeaking,
    PlaySound,
    PlayStored,
    PlayWaiting,
    ResumeSpeaking,
    RunAction,
    SendText,
    Speak,
    StopSpeaking,
    TellApp,
)
from cordboard.call.events import (
    ActionFinished,
    ActionSent,
    AppAnswered,
    AppFailed,
    DigitPressed,
    EndReason,
    EndRequested,
    Event,
    LegAnswered,
    LegEnded,
    LegEndedBy,
    LegOffered,
    PlayoutStarted,
    PlayoutStopped,
    SpeechStarted,
    SpeechStopped,
    TextSent,
    WordsHeard,
)
from cordboard.call.flow.operator import FlowOperator
from cordboard.call.machine import Call
from cordboard.ports import Clock, FlowApps, NewCall
from cordboard.rehearsal.app_side import AppSide
from cordboard.rehearsal.lines import TOOK, Board, Mark
from cordboard.rehearsal.pace import Pace
from cordboard.rehearsal.playout import Playout

_TROUBLE = ("flow_failure", "flow_warning", "flow_problem", "flow_lost", "flow_given_up", "warning")
_SHOWN = ("flow_back", "barge_in", "resumed")
_TURN_OVER = ("turn_ended", "turn_kept", "caller_turn")
_TURN, _END = "turn", "end"
_PARTIAL_AFTER_MS = 60
_FINAL_AFTER_MS = 30


class RehearsedCall:
    """Takes what the caller does and what the app answers; carries out what the call wants."""

    def __init__(self, call: NewCall, clock: Clock, board: Board) -> None:
        assert call.plan.flow is not None, "only a flow can be rehearsed"
        self.pace = Pace(clock)
        self.ended: CloseCall | None = None
        self.target: RunAction | None = None
        """A transfer that rings."""
        self._new_call = call
        self._board = board
        self._machine = Call(call.call_id, call.plan, FlowOperator(call.plan.flow))
        self._app = AppSide(call.plan.flow, clock, board)
        self._playout = Playout()
        self._later: list[tuple[int, Event]] = []
        self._under_way: set[str] = set()

    def begin(self, apps: FlowApps, post: Callable[[Event], None]) -> None:
        """Let it ring, and be answered; ``post`` gets what the app wants."""
        call = self._new_call
        self._board.show(Mark.HERE, "rings", {"from": call.from_number, "to": call.to_number})
        self._app.open(apps, call, post)
        self.take(LegOffered(call.leg_id, call.from_number, call.to_number))

    @property
    def app(self) -> AppSide:
        """The app's side."""
        return self._app

    @property
    def heard(self) -> list[str]:
        """What has begun to sound, in order."""
        return self._playout.heard

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is under way: it is the caller's turn, or a target rings."""
        idle = self._playout.is_empty and not self._later and not self._under_way
        return idle and not self._app.owes

    def next_ms(self) -> int | None:
        """Return the call's time when something happens by itself, None if nothing will."""
        deadline = self._machine.next_deadline()
        moments = [
            self._later[0][0] if self._later else None,
            self._playout.next_ms(),
            None if deadline is None else deadline.at_ms,
        ]
        return min((at_ms for at_ms in moments if at_ms is not None), default=None)

    def let_pass(self) -> None:
        """Let everything happen whose time has come, in its order."""
        while (at_ms := self.next_ms()) is not None and at_ms <= self.pace.now_ms():
            if self._later and self._later[0][0] == at_ms:
                self.take(self._later.pop(0)[1])
            elif self._playout.next_ms() == at_ms:
                for event in self._playout.pass_until(at_ms):
                    self.take(event)
            else:
                self._carry_out(self._machine.handle_deadline(self.pace.now_ms()))

    def say(self, text: str, duration_ms: int) -> None:
        """The caller says something that takes so long."""
        self._board.show(Mark.CALLER, "says", {"text": text})
        now_ms = self.pace.now_ms()
        self._under_way.add(_TURN)
        self.take(SpeechStarted(self._place(now_ms)))
        end_ms = now_ms + max(duration_ms, 2 * _PARTIAL_AFTER_MS)
        self._at(now_ms + _PARTIAL_AFTER_MS, WordsHeard(text, final=False))
        self._at(end_ms, SpeechStopped(self._place(end_ms)))
        self._at(end_ms + _FINAL_AFTER_MS, WordsHeard(text, final=True))

    def press(self, digits: str) -> None:
        """The caller presses keys."""
        for digit in digits:
            self._board.show(Mark.CALLER, "presses", {"digit": digit})
            self.take(DigitPressed(digit))

    def hang_up(self) -> None:
        """The caller hangs up."""
        self._board.show(Mark.CALLER, "hangs up")
        self.take(LegEnded(self._new_call.leg_id, LegEndedBy.FAR_END, "bye"))

    def stay_silent(self) -> bool:
        """Let the caller be silent until the app's wish to be told of that is due; False if it has
        none.
        """
        deadline = self._machine.next_deadline()
        if deadline is None or deadline.reason != "user_input":
            return False
        self._board.show(Mark.CALLER, "is silent", {"ms": deadline.at_ms - self.pace.now_ms()})
        self.pace.skip_to(deadline.at_ms)
        self.let_pass()
        return True

    def target_answers(self, answers: bool) -> None:
        """Whoever the caller is transferred to picks up, and hangs up later; or is busy."""
        if self.target is None:
            return
        action_call_id, self.target = self.target.call.action_call_id, None
        outcome = ActionOutcome(answers, {}, None, "success" if answers else "busy", None)
        self._board.show(Mark.HERE, "target answers" if answers else "target is busy")
        self.take(ActionFinished(action_call_id, outcome))
        if answers:
            self.take(EndRequested(EndReason.TRANSFERRED))

    def take(self, event: Event) -> None:
        """Let something happen to the call now."""
        match event:
            case AppAnswered() | AppFailed():
                self._app.heard_from(event)
            case PlayoutStarted(utterance_id=utterance_id):
                self._board.show(
                    Mark.HERE, "you hear", {"text": self._playout.text_of(utterance_id)}
                )
            case PlayoutStopped(utterance_id=utterance_id, heard_characters=count):
                heard = self._playout.text_of(utterance_id)[:count]
                self._board.show(Mark.HERE, "cut off", {"heard": heard})
            case LegEnded():
                self._under_way.add(_END)
            case _:
                pass
        self._carry_out(self._machine.receive(event, self.pace.now_ms()))

    def _carry_out(self, commands: list[Command]) -> None:
        for command in commands:
            match command:
                case Speak() | PlaySound() | PlayStored():
                    self._playout.queue(command, self.pace.now_ms())
                case PauseSpeaking() | StopSpeaking() | ResumeSpeaking():
                    self._steer(command)
                case TellApp():
                    self._app.tell(command, self._place(self.pace.now_ms()))
                case KeepFact():
                    self._note(command)
                case CloseCall():
                    self.ended = command
                    self._board.show(Mark.HERE, "over", {"reason": command.reason.value})
                    self._app.close()
                case _:
                    self._do(command)

    def _steer(self, command: PauseSpeaking | StopSpeaking | ResumeSpeaking) -> None:
        now_ms = self.pace.now_ms()
        match command:
            case PauseSpeaking():
                self._soon(*self._playout.pause(now_ms))
            case StopSpeaking():
                self._soon(*self._playout.stop(now_ms))
            case ResumeSpeaking():
                self._playout.resume(now_ms)

    def _do(self, command: Command) -> None:
        call, board = self._new_call, self._board
        match command:
            case AnswerLeg():
                self._playout.answered_ms = self.pace.now_ms()
                board.show(Mark.HERE, "answered")
                self._soon(LegAnswered(call.leg_id))
            case EndLeg():
                self._soon(LegEnded(call.leg_id, LegEndedBy.LOCAL, "released"))
            case RunAction():
                number = command.plan.config.get("phone_number")
                board.show(Mark.HERE, "target rings", {"number": number})
                self.target = command
                self._soon(ActionSent(command.call.action_call_id))
            case SendText(request_id=request_id, number=number, text=text):
                board.show(Mark.HERE, "text message", {"to": number, "text": text})
                self._soon(TextSent(request_id))
            case PlayWaiting(on=on):
                board.show(Mark.HERE, "waiting sound", {"on": on})
            case MixSound(sound=sound):
                board.show(Mark.HERE, "looped sound", {"on": sound is not None})
            case _:
                pass  # what concerns sound alone

    def _note(self, fact: KeepFact) -> None:
        if fact.kind in _TURN_OVER:
            self._under_way.discard(_TURN)
        if fact.kind in _TROUBLE:
            self._board.show(Mark.TROUBLE, fact.kind, fact.content)
        elif fact.kind == "app_answered" and fact.content["acts"]:
            self._board.show(Mark.HERE, TOOK, {"ms": fact.content["after_ms"]})
        elif fact.kind in _SHOWN:
            self._board.show(Mark.HERE, fact.kind, fact.content)

    def _place(self, at_ms: int) -> int:
        return at_ms - self._playout.answered_ms

    def _soon(self, *events: Event) -> None:
        for event in events:
            self._at(self.pace.now_ms(), event)

    def _at(self, at_ms: int, event: Event) -> None:
        insort(self._later, (at_ms, event), key=lambda item: item[0])
