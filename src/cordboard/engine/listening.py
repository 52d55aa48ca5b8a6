"""The caller's sound: to voice activity, to the transcriber, to speech that started and stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cordboard.call.events import Event, SpeechStarted, SpeechStopped, ToneHeard
from cordboard.engine.timeline import Timeline
from cordboard.engine.transcribing import Transcribing
from cordboard.media.codec import FRAME_MS, Codec, new_decoder
from cordboard.media.loudness import EnergyGate
from cordboard.media.segmenter import ENERGY_ONSET_FRAMES, MODEL_ONSET_FRAMES, Segmenter
from cordboard.media.tones import BeepDetector
from cordboard.ports import Leg, VoiceActivity, VoiceStream

SPEECH_PROBABILITY = 0.5
STALL_MS = 4000
TONES_MS = 30_000
"""So long tones are looked for, where they are: they say who has picked up."""

_STALL_SPEECH_MS = 1000
_GATE_OPEN_FRAMES = 15
_SHORT_PAUSE_FRAMES = 3
_EARLIEST_ONSET_MS = 200
_VOICE_RATES_HZ = (8000, 16000)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListeningParts:
    """What listening needs of its call. Without ``voice_activity`` energy alone decides what is
    speech. With ``tones`` the tones of machines are told.
    """

    leg: Leg
    timeline: Timeline
    transcribing: Transcribing
    voice_activity: VoiceActivity | None
    post: Callable[[Event], None]
    tones: bool = False


class Listening:
    """Takes one frame a tick. Everything happens within that call and, for voice activity, in
    ``judge``.
    """

    def __init__(self, parts: ListeningParts) -> None:
        self._parts = parts
        self._timeline = parts.timeline
        self._transcribing = parts.transcribing
        self._gate = EnergyGate()
        self._segmenter = Segmenter()
        self._neural = _Neural(None)
        self._sound: _Sound | None = None
        self.codec_changed()

    def hear(self, payload: bytes, played: bytes | None) -> None:
        """Take the caller's frame of this tick, and the frame that we play in it."""
        self._transcribing.feed(payload)
        gate, sound = self._gate, self._sound
        assert sound is not None
        if played is not None:
            gate.played(sound.played_pcm(played))
        pcm = sound.heard_pcm(payload)
        gate.heard(pcm)
        position_ms = self._timeline.position_ms
        if sound.beeps is not None and position_ms <= TONES_MS and sound.beeps.push(pcm):
            self._parts.post(ToneHeard(position_ms))
        if not self._neural.take(pcm, gate.audible, position_ms):
            loud = gate.loud and self._neural.stream is None
            if self._segmenter.push(loud, position_ms):
                self._changed()
        elif not gate.audible and self._segmenter.push(False, position_ms):
            # No speech, whatever the model says: the end of a turn does not wait for the batch.
            self._changed()
        owed_since_ms = self._transcribing.owed_since_ms
        if owed_since_ms is not None and position_ms - owed_since_ms >= STALL_MS:
            self._transcribing.break_off("timeout")

    def judge(self, due_ms: int) -> None:
        """Take the verdict of the voice activity batch on this tick's frame."""
        neural = self._neural
        if not neural.pending:
            return
        # The frame of this tick has been counted already: it lies one frame back.
        position_ms = self._timeline.position_ms - FRAME_MS
        speech = neural.verdict()
        if speech is not None and self._segmenter.push(speech, position_ms):
            self._changed()

    def codec_changed(self) -> None:
        """Follow the leg's codec."""
        codec = self._parts.leg.codec
        if self._sound is not None and codec == self._sound.codec:
            return
        beeps = BeepDetector(codec.rate_hz) if self._parts.tones else None
        self._sound = _Sound(codec, new_decoder(codec).to_pcm, new_decoder(codec).to_pcm, beeps)
        self._neural.close()
        stream = None
        activity = self._parts.voice_activity
        if activity is not None and codec.rate_hz in _VOICE_RATES_HZ:
            stream = activity.open(codec.rate_hz)
        self._neural = _Neural(stream)
        self._segmenter.onset_frames = MODEL_ONSET_FRAMES if stream else ENERGY_ONSET_FRAMES

    def close(self) -> None:
        """Free the voice stream."""
        self._neural.close()

    def _changed(self) -> None:
        segmenter = self._segmenter
        if segmenter.speaking:
            self._transcribing.speech_started()
            self._parts.post(SpeechStarted(self._neural.onset_ms(segmenter.changed_at_ms)))
            return
        is_long = segmenter.changed_at_ms - segmenter.started_at_ms >= _STALL_SPEECH_MS
        self._transcribing.speech_stopped(self._timeline.position_ms if is_long else None)
        self._parts.post(SpeechStopped(segmenter.changed_at_ms))


@dataclass(frozen=True, slots=True)
class _Sound:
    """How frames of the leg's codec are read, the far end's and ours, and who looks for tones."""

    codec: Codec
    heard_pcm: Callable[[bytes], bytes]
    played_pcm: Callable[[bytes], bytes]
    beeps: BeepDetector | None


class _Neural:
    """A voice stream behind the energy gate: it sees whole stretches of audible sound, with their
    lead-in.

    The model says *whether* it is speech, some windows late; loudness says where it begins and
    ends.
    """

    __slots__ = ("_audible", "_lead", "_onset_ms", "_open_frames", "_speech", "pending", "stream")

    def __init__(self, stream: VoiceStream | None) -> None:
        self.stream = stream
        self.pending = False
        self._speech = False
        self._audible = False
        self._onset_ms = 0
        self._open_frames = 0
        self._lead = b""

    def take(self, pcm: bytes, audible: bool, position_ms: int) -> bool:
        """Pass an audible frame, or one shortly after, to the model; False if the gate is shut."""
        stream = self.stream
        if stream is None:
            return False
        if audible:
            if not self._open_frames:
                stream.reset()
                self._speech = False
                if self._lead:
                    stream.push(self._lead)
            if self._open_frames < _GATE_OPEN_FRAMES - _SHORT_PAUSE_FRAMES:
                self._onset_ms = position_ms
            self._open_frames = _GATE_OPEN_FRAMES
        elif self._open_frames:
            self._open_frames -= 1
        else:
            self._lead = pcm
            self.pending = False
            return False
        stream.push(pcm)
        self._audible = audible
        self.pending = True
        return True

    def verdict(self) -> bool | None:
        """Return whether the frame is speech, None if it was not audible: the last window's word
        stands until the next one's.
        """
        assert self.stream is not None
        self.pending = False
        probability = self.stream.take()
        if probability is not None:
            self._speech = probability >= SPEECH_PROBABILITY
        return self._speech if self._audible else None

    def onset_ms(self, noticed_ms: int) -> int:
        """Return where the sound began that was taken for speech at ``noticed_ms``."""
        if self.stream is None or noticed_ms - self._onset_ms > _EARLIEST_ONSET_MS:
            return noticed_ms
        return min(self._onset_ms, noticed_ms)

    def close(self) -> None:
        """Free the stream."""
        if self.stream is not None:
            self.stream.close()
            self.stream = None
