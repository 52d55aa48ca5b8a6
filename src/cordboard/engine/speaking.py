"""The agent's voice: utterances in order, synthesized ahead, paused, resumed, and accounted for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cordboard.call.commands import PlaySound, PlayStored, Speak
from cordboard.call.events import (
    Event,
    PlayoutFailed,
    PlayoutFinished,
    PlayoutPaused,
    PlayoutStarted,
    PlayoutStopped,
    ProviderFailed,
    ProviderKind,
    ProviderRecovered,
    SpeechMade,
)
from cordboard.call.plan import VoicePlan
from cordboard.call.sound import Sound
from cordboard.engine.breaker import Breaker
from cordboard.engine.conversion import Converter, kept_codec
from cordboard.engine.facts import FactLog
from cordboard.engine.guard import Report
from cordboard.engine.outlet import Mouth
from cordboard.engine.playout import Playout
from cordboard.engine.ready_sound import take_sound
from cordboard.engine.synthesis import Synthesis
from cordboard.engine.timeline import Timeline
from cordboard.engine.utterance import Utterance
from cordboard.engine.work import Job, Work
from cordboard.media.codec import FRAME_MS
from cordboard.ports import Clock, Leg, PhraseStore, Synthesizer

MOST_UTTERANCES = 32
_MARK_SLACK_MS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakingParts:
    """What speaking needs of its call."""

    leg: Leg
    mouth: Mouth
    synthesizers: Sequence[Synthesizer]
    of_voice: Callable[[VoicePlan], Sequence[Synthesizer]]
    voice: VoicePlan
    phrases: PhraseStore
    timeline: Timeline
    clock: Clock
    facts: FactLog
    work: Work
    report: Report
    breaker: Breaker
    post: Callable[[Event], None]


class Speaking:
    """Plays utterances one after another on one leg.

    Sound goes to the leg as soon as it is made (legs pace or buffer it). A pause takes back what
    has not been heard; resuming hands it over again from the start of the word that was cut. At
    most 32 utterances wait: one more fails.
    """

    def __init__(self, parts: SpeakingParts) -> None:
        self._parts = parts
        self._queue: deque[Utterance] = deque()
        self._playout = Playout(parts.mouth)
        self._synthesis = Synthesis(
            parts.synthesizers,
            parts.voice,
            parts.of_voice,
            self._arrived,
            parts.report,
            parts.breaker,
        )
        self._job: tuple[Utterance, Job] | None = None
        self._paused = False
        self._live = False
        self._provider_down = False

    def speak(self, command: Speak) -> None:
        """Queue an utterance and begin to make its sound."""
        utterance = self._new(command.utterance_id, command.text, command.language)
        if utterance is not None:
            self._queue.append(utterance)
            utterance.manner = command.manner
            utterance.released = not command.prepare
            self._synthesize_next()

    def play_sound(self, command: PlaySound) -> None:
        """Queue sound that is there already; it is brought into the leg's encoding as it plays."""
        utterance = self._new(command.utterance_id, "", "")
        if utterance is not None:
            self._queue.append(utterance)
            self._parts.work.start("converting sound", self._convert(utterance, command.sound))

    def play_stored(self, command: PlayStored) -> None:
        """Queue a phrase whose sound lies ready, before all that has no sound yet."""
        utterance = self._new(command.utterance_id, "", command.language)
        if utterance is None:
            return
        try:
            text, sound = self._parts.phrases.sound(
                command.phrase.value, command.language, utterance.codec
            )
        except LookupError:
            self._parts.post(PlayoutFailed(command.utterance_id, 0, "unavailable"))
            return
        utterance.text = utterance.stored_text = text
        utterance.sound += sound
        utterance.complete = True
        ready = (waiting.released and bool(waiting.sound) for waiting in self._queue)
        place = next((at for at, is_ready in enumerate(ready) if not is_ready), len(self._queue))
        self._queue.insert(place, utterance)
        self._pump()

    def start(self, utterance_id: str) -> None:
        """Release a prepared utterance."""
        for utterance in self._queue:
            if utterance.utterance_id == utterance_id:
                utterance.released = True
        self._pump()

    def pause(self) -> None:
        """Fall silent at once and keep the sound."""
        if self._paused:
            return
        self._paused = True
        current = self._cut()
        if current is not None:
            heard = current.heard_characters()
            self._parts.post(PlayoutPaused(current.utterance_id, heard))

    def resume(self) -> None:
        """Go on from the start of the word that was cut."""
        self._paused = False
        self._pump()

    def stop(self) -> None:
        """Drop everything, playing, paused and queued."""
        self._paused = False
        self._cut()
        self._cancel_synthesis()
        for utterance in self._queue:
            self._parts.post(PlayoutStopped(utterance.utterance_id, utterance.heard_characters()))
        self._queue.clear()

    def answered(self) -> None:
        """Sound may flow from now on; the leg's codec is settled."""
        self.codec_changed()
        self._live = True
        self._pump()

    def codec_changed(self) -> None:
        """Carry all sound over to the leg's new codec."""
        codec = kept_codec(self._parts.leg.codec)
        self._cut(codec_changed=True)
        self._playout.codec_changed()
        for utterance in self._queue:
            if utterance.codec != codec:
                converter = Converter(utterance.codec, codec)
                sound = converter.convert(bytes(utterance.sound)) + converter.finish()
                utterance.reencode(sound, codec)
        self._pump()

    def mark_reached(self, mark: str) -> None:
        """Everything before the mark has been played."""
        utterance = self._playout.reached(mark)
        if utterance is not None:
            self._finish(utterance)

    def next_frame(self) -> bytes | None:
        """Return the frame that leaves for the far end in this tick, None for silence; once per
        tick.
        """
        frame = self._playout.next_frame()
        if frame is None:
            lost = self._playout.lost()
            if lost is not None:
                self._finish(lost)
            return None
        sound, utterance = frame
        if not utterance.started:
            self._began(utterance)
        utterance.played_to_ms = self._parts.timeline.position_ms + FRAME_MS
        return sound

    def _new(self, utterance_id: str, text: str, language: str) -> Utterance | None:
        if len(self._queue) >= MOST_UTTERANCES:
            self._parts.post(PlayoutFailed(utterance_id, 0, "queue_full"))
            return None
        codec = kept_codec(self._parts.leg.codec)
        utterance = Utterance(utterance_id, text, language, codec)
        utterance.asked_ms = self._parts.clock.now_ms()
        return utterance

    def _synthesize_next(self) -> None:
        if self._job is not None:
            return
        for utterance in self._queue:
            if not utterance.complete and utterance.text:
                job = self._parts.work.start("speaking", self._fill(utterance))
                self._job = (utterance, job)
                return

    async def _convert(self, utterance: Utterance, sound: Sound) -> None:
        await take_sound(utterance, sound, self._arrived)
        utterance.complete = True
        self._pump()

    async def _fill(self, utterance: Utterance) -> None:
        failure = await self._synthesis.fill(utterance)
        self._job = None
        utterance.complete = True
        if failure is None:
            if self._provider_down:
                self._provider_down = False
                self._parts.post(ProviderRecovered(ProviderKind.SYNTHESIZER))
        else:
            self._provider_down = True
            utterance.failure = failure
            self._parts.post(ProviderFailed(ProviderKind.SYNTHESIZER, failure))
        if utterance.manner is not None and utterance.sound:
            self._parts.post(SpeechMade(utterance.utterance_id, utterance.duration_ms))
        if not utterance.sound and failure is not None:
            self._fail(utterance, failure)
        self._pump()
        self._synthesize_next()

    def _cancel_synthesis(self) -> None:
        if self._job is not None:
            self._job[1].cancel()
            self._job = None

    def _arrived(self, utterance: Utterance) -> None:
        if self._live and not self._paused:
            self._pump()

    def _pump(self) -> None:
        """Hand the leg all sound that is its turn."""
        if self._paused or not self._live:
            return
        for utterance in self._queue:
            if not utterance.released:
                return
            marked = self._playout.is_marked(utterance)
            if not marked and (utterance.next_byte < len(utterance.sound) or utterance.complete):
                self._playout.push(utterance)
                if utterance.complete:
                    self._playout.mark(utterance)
            if not utterance.complete:
                return

    def _cut(self, *, codec_changed: bool = False) -> Utterance | None:
        """Silence the leg, settle what was heard; return the utterance that was cut, if any."""
        touched = self._playout.cut(codec_changed=codec_changed)
        current: Utterance | None = None
        for utterance in touched:
            if utterance.complete and utterance.heard_bytes >= len(utterance.sound):
                self._finish(utterance)
                continue
            utterance.rewind()
            if current is None:
                current = utterance
                if utterance.heard_bytes and not utterance.started:
                    self._began(utterance)
        return current

    def _began(self, utterance: Utterance) -> None:
        utterance.started = True
        at_ms = self._parts.timeline.position_ms
        self._parts.post(PlayoutStarted(utterance.utterance_id, at_ms, utterance.stored_text))
        self._parts.facts.keep(
            "first_sound",
            {
                "utterance_id": utterance.utterance_id,
                "after_ms": self._parts.clock.now_ms() - utterance.asked_ms,
            },
        )

    def _finish(self, utterance: Utterance) -> None:
        if not utterance.started:
            self._began(utterance)
        utterance.heard_everything()
        if utterance.failure is not None:
            self._fail(utterance, utterance.failure)
            return
        self._queue.remove(utterance)
        self._parts.post(PlayoutFinished(utterance.utterance_id, self._end_ms(utterance)))

    def _end_ms(self, utterance: Utterance) -> int:
        """Return where the sound ended: by our own count, unless the leg is clearly behind it."""
        own_ms = utterance.played_to_ms + self._playout.left_ms(utterance)
        now_ms = self._parts.timeline.position_ms
        return own_ms if abs(now_ms - own_ms) <= _MARK_SLACK_MS else now_ms

    def _fail(self, utterance: Utterance, failure: str) -> None:
        self._queue.remove(utterance)
        heard = utterance.heard_characters() if utterance.sound else 0
        self._parts.post(PlayoutFailed(utterance.utterance_id, heard, failure))
