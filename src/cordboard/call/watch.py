"""Watching over silence and failing providers, so that a call never hangs."""

from __future__ import annotations

from cordboard.call.bridging import BRIDGE_AGAIN_MS
from cordboard.call.commands import StoredPhrase
from cordboard.call.desk import Desk
from cordboard.call.events import (
    DigitPressed,
    EndReason,
    ProviderFailed,
    ProviderKind,
    ProviderRecovered,
    SpeechStarted,
    SpeechStopped,
    WordsHeard,
)
from cordboard.call.operator import Operator
from cordboard.call.playback import Utterance

IDLE_MS = 30_000
IDLE_ASK_MS = 15_000
IDLE_NOISE_MS = 30_000
"""How much longer a caller may make sound that no transcriber has words for: it may be speech."""

OUTAGE_MS = 20_000

TIMED_OUT_MS = 6_000
"""How long a provider has been away already when it is told that it timed out: two attempts."""

DEAF_MS = 12_000
"""The same of one that is told to be deaf: twice the caller's words and the wait for them."""

_OUTAGES = ("transcriber_outage", "synthesizer_outage")


class Watch:
    """Ends calls on which nothing is said, or on which nothing can be said."""

    def __init__(self, desk: Desk, operator: Operator) -> None:
        self.end_reason: EndReason | None = None
        self.end_detail = ""
        self._desk = desk
        self._operator = operator
        self._asked = False
        self._noisy = False
        self._waited_for_noise = False
        self._failures = 0

    def caller_active(
        self, event: SpeechStarted | SpeechStopped | WordsHeard | DigitPressed, now_ms: int
    ) -> None:
        """Take a sign of life: silence counts from now."""
        if isinstance(event, DigitPressed) or (
            isinstance(event, WordsHeard) and event.text.strip()
        ):
            self._desk.deadlines.clear("idle")
            self._asked = False
            self._waited_for_noise = False

    def provider_event(self, event: ProviderFailed | ProviderRecovered, now_ms: int) -> None:
        """Take the news that a provider gave up or came back."""
        desk = self._desk
        if isinstance(event, ProviderRecovered):
            desk.note("provider_recovered", {"kind": event.kind.value})
            desk.deadlines.clear(f"{event.kind.value}_outage")
            return
        desk.note("provider_failed", {"kind": event.kind.value, "failure": event.failure})
        if event.kind is ProviderKind.TRANSCRIBER and not desk.deadlines.is_set(
            "transcriber_outage"
        ):
            self._outage_began("transcriber_outage", event.failure, now_ms)
            desk.say_stored(StoredPhrase.SORRY_TROUBLE)

    def playout_failed(self, utterance: Utterance, failure: str, now_ms: int) -> None:
        """Take the news that an utterance could not be made into sound."""
        if not utterance.text:
            # A stored phrase in place of a stored phrase would fail the same way, for ever.
            return
        self._failures += 1
        self._desk.note(
            "provider_failed", {"kind": ProviderKind.SYNTHESIZER.value, "failure": failure}
        )
        self._outage_began("synthesizer_outage", failure, now_ms)
        if self._desk.playback.is_empty:
            self._desk.say_stored(StoredPhrase.SORRY_TROUBLE)

    def playout_worked(self) -> None:
        """Take the news that an utterance was heard whole: the synthesizer works."""
        self._failures = 0
        self._desk.deadlines.clear("synthesizer_outage")

    def due(self, reason: str, now_ms: int) -> bool:
        """Take a deadline of the watch; False if it is not one."""
        if reason == "idle":
            if self._noisy and not self._waited_for_noise:
                self._waited_for_noise = True
                self._desk.deadlines.set("idle", now_ms + IDLE_NOISE_MS)
            elif self._desk.plan.turn.ask_if_human_present_on_idle and not self._asked:
                self._asked = True
                self._desk.say_stored(StoredPhrase.STILL_THERE)
            else:
                self.end_reason = EndReason.IDLE
        elif reason == "trouble":
            self._bridge_outage(now_ms)
        elif reason == "transcriber_outage":
            self._give_up(ProviderKind.TRANSCRIBER)
        elif reason == "synthesizer_outage":
            if self._failures > 1:
                self._give_up(ProviderKind.SYNTHESIZER)
        else:
            return False
        return True

    def settle(self, now_ms: int, quiet: bool, noisy: bool) -> None:
        """Let the caller's silence count while nobody says anything and nothing is under way."""
        self._noisy = noisy
        if quiet:
            self._desk.deadlines.set_if_unset("idle", now_ms + self._idle_ms)
        else:
            self._desk.deadlines.clear("idle")

    def _outage_began(self, outage: str, failure: str, now_ms: int) -> None:
        deadlines = self._desk.deadlines
        away_ms = {"timeout": TIMED_OUT_MS, "deaf": DEAF_MS}.get(failure, 0)
        deadlines.set_if_unset(outage, now_ms + OUTAGE_MS - away_ms)
        deadlines.set_if_unset("trouble", now_ms + BRIDGE_AGAIN_MS)

    def _bridge_outage(self, now_ms: int) -> None:
        """Let the caller hear something while an outage lasts, also where nothing is under way."""
        desk = self._desk
        if not any(desk.deadlines.is_set(outage) for outage in _OUTAGES):
            return
        if desk.playback.is_empty and not self._operator.is_busy and desk.plan.bridge_phrases:
            desk.say_stored(StoredPhrase.ONE_MOMENT)
        desk.deadlines.set("trouble", now_ms + BRIDGE_AGAIN_MS)

    def _give_up(self, kind: ProviderKind) -> None:
        self.end_reason = EndReason.PROVIDER_FAILED
        self.end_detail = kind.value

    @property
    def _idle_ms(self) -> int:
        turn = self._desk.plan.turn
        if turn.idle_ms is not None:
            return max(1_000, turn.idle_ms)
        return IDLE_ASK_MS if turn.ask_if_human_present_on_idle else IDLE_MS
