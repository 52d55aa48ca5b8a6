"""Who picked up a call of ours: a human, or a machine that wants a message."""

from __future__ import annotations

from cordboard.call.desk import Desk
from cordboard.call.events import (
    AnswerJudged,
    Event,
    LegAnswered,
    PlayoutFinished,
    SpeechStarted,
    SpeechStopped,
    ToneHeard,
    WordsHeard,
)
from cordboard.call.plan import CallPlan

GREETING_OVER_MS = 1_200
"""So long a human is silent after the first words: somebody waits for an answer."""

LONGEST_GREETING_MS = 4_000
"""Nobody who picks up speaks longer without a pause; machines do."""

FIRST_WORDS_MS = 5_000
"""A machine's greeting begins by then; what begins later is no greeting, however long."""

LISTENING_MS = 30_000
"""So long tones and words are taken for a machine's; afterwards nobody can tell."""

HUMAN = "human_answered"
MACHINE = "machine_answered"

_SPOKEN_BY_MACHINES = (
    *("leave a message", "leave your message", "leave me a message", "leave your name"),
    *("after the tone", "after the beep", "at the tone", "voicemail", "voice mail", "mailbox"),
    *("not available right now", "unable to take your call", "can't take your call"),
    *("cannot take your call", "can't come to the phone", "the number you have dialed"),
    *("person you are calling", "person you have called", "please record your message"),
    *("nach dem signalton", "nach dem piepton", "hinterlassen sie", "nicht erreichbar"),
    *("después de la señal", "después del tono", "deje su mensaje", "buzón de voz"),
    *("après le bip", "après le signal", "laissez un message", "messagerie vocale"),
    *("laissez votre message", "laissez-moi un message"),
)


class HumanDetection:
    """Judges one call once, by how the far end's first words go, by what they are, and by tones.

    Where the carrier judges, only its word counts. The verdict is kept as a fact that has no
    content, so that calls whose content is not kept have it too.
    """

    def __init__(self, plan: CallPlan, desk: Desk) -> None:
        self.hangs_up = False
        """Set when a machine picked up that is not to be talked to."""
        self._desk = desk
        self._wanted = bool(plan.on_no_human)
        self._answered_ms = 0
        self._started_ms: int | None = None
        self._agent_was_first = False

    def take(self, event: Event, now_ms: int) -> None:
        """Take an event of a call that is up."""
        if not self._wanted:
            return
        match event:
            case LegAnswered():
                self._answered_ms = now_ms
            case AnswerJudged(human=human):
                self._judged(human)
            case _ if self._desk.plan.carrier_detects_human:
                pass
            case SpeechStarted(at_ms=at_ms):
                self._speech_started(self._answered_ms + at_ms, now_ms)
            case SpeechStopped(at_ms=at_ms):
                self._desk.deadlines.clear("greeting_long")
                over_ms = self._answered_ms + at_ms + GREETING_OVER_MS
                self._desk.deadlines.set("greeting_over", max(over_ms, now_ms))
            case ToneHeard() if self._is_early(now_ms):
                self._judged(False)
            case WordsHeard(text=text) if self._is_early(now_ms) and _is_machines(text):
                self._judged(False)
            case PlayoutFinished() if self._started_ms is None:
                # From here on long words may be a human's answer to what the agent has said.
                self._agent_was_first = True

    def due(self, reason: str) -> bool:
        """Take a deadline of its own; False if it is not one."""
        if reason not in ("greeting_over", "greeting_long"):
            return False
        if self._wanted:
            self._judged(reason == "greeting_over")
        return True

    def _speech_started(self, at_ms: int, now_ms: int) -> None:
        if self._started_ms is None:
            self._started_ms = at_ms
        self._desk.deadlines.clear("greeting_over")
        prompt = self._started_ms - self._answered_ms <= FIRST_WORDS_MS
        if prompt and not self._agent_was_first:
            long_ms = self._started_ms + LONGEST_GREETING_MS
            self._desk.deadlines.set("greeting_long", max(long_ms, now_ms))

    def _is_early(self, now_ms: int) -> bool:
        return now_ms - self._answered_ms <= LISTENING_MS

    def _judged(self, human: bool) -> None:
        self._wanted = False
        self.hangs_up = not human and self._desk.plan.on_no_human == "hangup"
        self._desk.deadlines.clear("greeting_over", "greeting_long")
        self._desk.note(HUMAN if human else MACHINE)


def _is_machines(text: str) -> bool:
    said = " ".join(text.lower().replace("\u2019", "'").split())
    return any(phrase in said for phrase in _SPOKEN_BY_MACHINES)
