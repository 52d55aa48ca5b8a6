"""What the app asked for, done: speeches queued, hangings-up that wait for them, transfers."""

from __future__ import annotations

from cordboard.call.commands import (
    ConfigureTranscriber,
    Manner,
    MixSound,
    SendText,
    StoredPhrase,
)
from cordboard.call.desk import Desk
from cordboard.call.events import EndReason
from cordboard.call.flow.actions import (
    FlowAction,
    FlowAudio,
    FlowBargeIn,
    FlowConfigureTranscription,
    FlowHangup,
    FlowMixAudio,
    FlowSendSms,
    FlowSpeak,
    FlowTransfer,
)
from cordboard.call.flow.handover import Handover
from cordboard.call.flow.input_timer import InputTimer
from cordboard.call.flow.plan import FlowPlan
from cordboard.call.flow.speeches import Speech, Speeches
from cordboard.call.sound import Sound

_NO_SOUND = Sound(b"", 8_000)

Last = FlowHangup | FlowTransfer


class Doing:
    """Runs actions in their order. What ends the app's part waits for the speeches before it in
    the same answer; alone it acts at once.
    """

    def __init__(self, plan: FlowPlan, speeches: Speeches, timer: InputTimer) -> None:
        self.over = False
        self.given_up = False
        self.end_reason: EndReason | None = None
        self.end_detail = ""
        self.handover = Handover(plan.fallback_number)
        self._plan = plan
        self._speeches = speeches
        self._timer = timer
        self._last: tuple[Last, set[str]] | None = None
        self._texts: dict[str, str] = {}

    @property
    def obeys(self) -> bool:
        """Whether what the app asks for is still done."""
        stopped = self.over or self.given_up or self.handover.done
        return not stopped and self.end_reason is None

    def run(
        self, actions: tuple[FlowAction, ...], desk: Desk, now_ms: int, *, after: str | None
    ) -> None:
        """Do all of an answer; ``after`` is the speech whose beginning it answers, if any."""
        waits_for = set() if after is None else {after}
        for action in actions:
            if not self.obeys:
                return
            desk.note("flow_action", {"type": action.kind})
            match action:
                case FlowSpeak() | FlowAudio():
                    waits_for.add(self._queue(action, desk))
                case FlowHangup() | FlowTransfer():
                    self._finally(action, waits_for, desk, now_ms)
                case FlowBargeIn():
                    self._last = None
                    waits_for.clear()
                    desk.stop_speaking()
                case _:
                    self._do_aside(action, desk)

    def utterance_ended(self, utterance_id: str, desk: Desk, now_ms: int) -> None:
        """Do what waited for this speech, if it waits for nothing more."""
        if self._last is None:
            return
        action, waits_for = self._last
        waits_for.discard(utterance_id)
        if not waits_for and self.obeys:
            self._last = None
            self._end_with(action, desk, now_ms)

    def text_sent(self, request_id: str) -> str | None:
        """Take the outcome of a text message; returns the number that it was for."""
        return self._texts.pop(request_id, None)

    def transfer_answered(self, action_call_id: str, desk: Desk) -> None:
        """The caller talks with somebody else now: nothing of the app's is heard any more."""
        if self.handover.answered(action_call_id, desk):
            self._last = None
            desk.stop_speaking()

    def transfer_failed(
        self, action_call_id: str, outcome_class: str, desk: Desk, now_ms: int
    ) -> bool:
        """Take the outcome of a transfer: True if the app goes on with the caller."""
        action = self.handover.failed(action_call_id, outcome_class, desk)
        if action is None or self.over:
            return False
        if self.given_up:
            self.fall_back(desk, now_ms)
        elif action.timeout_s is not None:
            return self.end_reason is None
        elif self.end_reason is None:
            self.end_reason = EndReason.AGENT_ENDED
            self.end_detail = "transfer_failed"
        return False

    def transfer_overdue(self, desk: Desk) -> None:
        """Nobody reported what came of the transfer: the call cannot go on from there."""
        self.handover.give_up("timeout", desk)
        if self.end_reason is None:
            self.end_reason = EndReason.CARRIER_FAILED
            self.end_detail = "transfer"

    def give_up(self, failure: str, desk: Desk, now_ms: int, *, answered: bool) -> None:
        """The app is gone: hand the caller over, or say goodbye, once the call is answered. A
        transfer that is under way may come to its outcome first.
        """
        if not self.obeys:
            return
        self.given_up = True
        self.end_detail = "flow_app"
        desk.note("flow_given_up", {"failure": failure})
        desk.stop_speaking()
        self._last = None
        if answered and not self.handover.is_under_way:
            self.fall_back(desk, now_ms)

    def fall_back(self, desk: Desk, now_ms: int) -> None:
        """Do for the caller what is left to do without the app."""
        if not self.handover.fall_back(desk, now_ms):
            self._say_goodbye(desk)

    def _say_goodbye(self, desk: Desk) -> None:
        if self._plan.fallback_text:
            desk.say(self._plan.fallback_text, interruptible=False)
        else:
            desk.say_stored(StoredPhrase.GOODBYE, interruptible=False)
        self.end_reason = EndReason.PROVIDER_FAILED

    def _queue(self, action: FlowSpeak | FlowAudio, desk: Desk) -> str:
        rule = action.rule or self._plan.rule
        if action.turn_silence_ms is not None:
            desk.turn_silence_ms = action.turn_silence_ms
        if isinstance(action, FlowAudio):
            self._timer.keep(action.input_timeout_ms)
            manner = Manner(rule=rule, sound=action.sound or _NO_SOUND)
            utterance_id = desk.say("", kind="sound", manner=manner)
            self._speeches.add(Speech(utterance_id, is_sound=True))
        else:
            self._timer.wish(action.input_timeout_ms)
            manner = Manner(
                rule=rule, voice=action.voice, language=action.language, markup=action.markup
            )
            utterance_id = desk.say(action.text, manner=manner)
            self._speeches.add(Speech(utterance_id, action.text, action.markup))
        return utterance_id

    def _do_aside(
        self, action: FlowConfigureTranscription | FlowMixAudio | FlowSendSms, desk: Desk
    ) -> None:
        match action:
            case FlowConfigureTranscription():
                if action.turn_silence_ms is not None:
                    desk.turn_silence_ms = action.turn_silence_ms
                asked = (action.provider, action.languages, action.vocabulary)
                if asked != (None, None, None):
                    desk.give(ConfigureTranscriber(*asked))
                if action.languages:
                    desk.language = action.languages[0]
            case FlowMixAudio(sound=sound, volume=volume):
                desk.give(MixSound(sound, volume))
            case FlowSendSms(number=number, message=message):
                request_id = desk.new_id("m")
                self._texts[request_id] = number
                desk.give(SendText(request_id, number, message))

    def _finally(self, action: Last, waits_for: set[str], desk: Desk, now_ms: int) -> None:
        """Do what ends the app's part, after what comes before it in the same answer."""
        if self.handover.is_under_way and isinstance(action, FlowTransfer):
            desk.note("flow_problem", {"problem": "a transfer is under way already"})
            return
        open_ids = {each for each in waits_for if self._speeches.knows(each)}
        if open_ids:
            self._last = (action, open_ids)
            return
        self._last = None
        desk.stop_speaking()
        self._end_with(action, desk, now_ms)

    def _end_with(self, action: Last, desk: Desk, now_ms: int) -> None:
        if isinstance(action, FlowHangup):
            self.end_reason = EndReason.AGENT_ENDED
        else:
            self._timer.disarm()
            self.handover.begin(action, desk, now_ms)
