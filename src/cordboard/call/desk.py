"""What the operator of a call has before it: all it may do, and what it must know to decide."""

from __future__ import annotations

from collections.abc import Mapping

from cordboard.call.ahead import Ahead, Question
from cordboard.call.commands import (
    CancelReply,
    Command,
    Expect,
    KeepFact,
    Manner,
    Message,
    PauseSpeaking,
    PlaySound,
    PlayStored,
    ResumeSpeaking,
    Speak,
    StartReply,
    StartSpeaking,
    StopSpeaking,
    StoredPhrase,
)
from cordboard.call.deadlines import Deadlines
from cordboard.call.expectation import Expectation
from cordboard.call.plan import CallPlan
from cordboard.call.playback import Pause, Playback, Utterance
from cordboard.call.transcript import Transcript


def anything(plan: CallPlan) -> Expectation:
    """Return what is expected where nothing in particular is."""
    return Expectation(language=plan.language)


class Desk:
    """Collects the commands of one step; shared by the machine and the call's operator."""

    def __init__(self, plan: CallPlan) -> None:
        self.plan = plan
        self.language = plan.language
        self.transcript = Transcript()
        self.playback = Playback()
        self.deadlines = Deadlines()
        self.expectation = anything(plan)
        self.ahead = Ahead()
        self.turn_silence_ms: int | None = None
        """Silence that ends the caller's turn, where the operator has set one."""
        self._commands: list[Command] = []
        self._counts: dict[str, int] = {}

    def give(self, command: Command) -> None:
        """Add a command to this step's answer."""
        self._commands.append(command)

    def take_commands(self) -> list[Command]:
        """Return the commands of this step, in order, and begin the next."""
        commands, self._commands = self._commands, []
        return commands

    def new_id(self, prefix: str) -> str:
        """Return the next identifier of its kind, unique within the call: ``u1``, ``r2``."""
        number = self._counts.get(prefix, 0) + 1
        self._counts[prefix] = number
        return f"{prefix}{number}"

    def note(
        self, kind: str, content: Mapping[str, object] | None = None, /, **private: object
    ) -> None:
        """Keep a fact; ``private`` holds words and values of the conversation and is left out of
        content-free calls.
        """
        kept = dict(content or {})
        if not self.plan.content_free:
            kept.update(private)
        self.give(KeepFact(kind, kept))

    def say(
        self,
        text: str,
        *,
        kind: str = "reply",
        interruptible: bool = True,
        prepare: bool = False,
        manner: Manner | None = None,
    ) -> str:
        """Have ``text`` spoken after what is queued, or the sound of ``manner`` played; returns the
        utterance's id.
        """
        utterance_id = self.new_id("u")
        rule = None if manner is None else manner.rule
        self.playback.queue(Utterance(utterance_id, text, interruptible, kind, rule=rule))
        self.note("utterance", {"utterance_id": utterance_id, "utterance_kind": kind}, text=text)
        if manner is not None and manner.sound is not None:
            self.give(PlaySound(utterance_id, manner.sound))
            return utterance_id
        language = self.language if manner is None else manner.language or self.language
        self.give(Speak(utterance_id, text, language, prepare, manner))
        return utterance_id

    def start_prepared(self, utterance_id: str) -> None:
        """Let a prepared utterance be played."""
        self.give(StartSpeaking(utterance_id))

    def say_stored(self, phrase: StoredPhrase, *, interruptible: bool = True) -> str:
        """Have a stored phrase played after what is queued; returns the utterance's id."""
        utterance_id = self.new_id("u")
        self.playback.queue(Utterance(utterance_id, "", interruptible, "stored"))
        self.note("bridge", {"utterance_id": utterance_id, "phrase": phrase.value})
        self.give(PlayStored(utterance_id, phrase, self.language))
        return utterance_id

    def pause_speaking(self, why: Pause) -> None:
        """Fall silent at once and keep the sound."""
        if self.playback.pause(why):
            self.give(PauseSpeaking())

    def resume_speaking(self, why: Pause) -> None:
        """Go on where the sound was paused, unless there is another reason to hold it."""
        if self.playback.resume(why):
            self.give(ResumeSpeaking())

    def stop_speaking(self) -> None:
        """Drop all sound; what comes after it is held while the call is on hold."""
        if self.playback.drop():
            self.give(StopSpeaking())
            if self.playback.paused:
                self.give(PauseSpeaking())

    def start_reply(self) -> str:
        """Ask the language model for the next thing to say; returns the reply's id, of the one that
        was begun ahead where that answers the same.
        """
        question = Question(self.transcript.messages(), self.expectation)
        ahead_id = self.ahead.confirm(question)
        if ahead_id is not None:
            self.note("reply_started", {"reply_id": ahead_id, "ahead": True})
            return ahead_id
        self.drop_ahead()
        reply_id = self.new_id("r")
        self.note("reply_started", {"reply_id": reply_id})
        self.give(StartReply(reply_id, question.messages, question.expectation))
        return reply_id

    def think_ahead(self, text: str) -> None:
        """Have a reply made to ``text`` before the turn is over, of which nothing is said or done;
        none to no text.
        """
        if not text:
            self.drop_ahead()
            return
        said = (*self.transcript.messages(), Message("caller", text))
        question = Question(said, self.expectation)
        if self.ahead.answers(question):
            return
        self.drop_ahead()
        if self.ahead.may_begin:
            reply_id = self.new_id("r")
            self.ahead.begin(reply_id, question)
            self.note("reply_begun_ahead", {"reply_id": reply_id})
            self.give(StartReply(reply_id, question.messages, question.expectation))

    def drop_ahead(self) -> None:
        """Give up what was begun ahead, if anything was."""
        reply_id = self.ahead.drop()
        if reply_id is not None:
            self.cancel_reply(reply_id)

    def cancel_reply(self, reply_id: str) -> None:
        """Stop making a reply."""
        self.note("reply_cancelled", {"reply_id": reply_id})
        self.give(CancelReply(reply_id))

    def expect(self, expectation: Expectation) -> None:
        """Set what kind of answer the agent waits for."""
        if expectation != self.expectation:
            self.expectation = expectation
            self.note("expectation", {"expected": expectation.kind.value}, **expectation.to_json())
            self.give(Expect(expectation))
