"""The library by ctypes: child process only. It has global state, so one utterance at a time."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass

import espeakng_loader

_SYNCHRONOUS = 2
_UTF8 = 1
_RATE, _PITCH = 1, 3
_BUFFER_MS = 60
_EVENT_END, _EVENT_WORD, _EVENT_SENTENCE_END = 0, 1, 5


class _EventValue(ctypes.Union):
    _fields_ = (
        ("number", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("string", ctypes.c_char * 8),
    )


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventValue),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(frozen=True, slots=True)
class WordBegun:
    """A word's first sound: character position (from 0), length, and its time in the sound."""

    text_start: int
    length: int
    at_ms: int


Taker = Callable[[bytes, list[WordBegun]], bool]


class Library:
    """The loaded library; ``rate_hz`` is what it speaks at."""

    def __init__(self) -> None:
        self._native = ctypes.CDLL(espeakng_loader.get_library_path())
        data_path = espeakng_loader.get_data_path().encode()
        self.rate_hz: int = self._native.espeak_Initialize(_SYNCHRONOUS, _BUFFER_MS, data_path, 0)
        if self.rate_hz <= 0:
            raise OSError("the library did not start")
        self._callback = _Callback(self._received)
        self._native.espeak_SetSynthCallback(self._callback)
        self._taker: Taker | None = None
        self._voice = ""

    def set_voice(self, voices: list[str]) -> bool:
        """Take the first voice that exists; False when none does."""
        if self._voice and self._voice == voices[0]:
            return True
        for voice in voices:
            if self._native.espeak_SetVoiceByName(voice.encode()) == 0:
                self._voice = voice
                return True
        return False

    def speak(self, text: str, rate_wpm: int, pitch: int, taker: Taker) -> bool:
        """Speak whole ``text`` into ``taker`` (PCM16 and words begun), which returns False to stop.

        Returns False when the library failed.
        """
        self._native.espeak_SetParameter(_RATE, rate_wpm, 0)
        self._native.espeak_SetParameter(_PITCH, pitch, 0)
        octets = text.encode("utf-8", "replace") + b"\0"
        self._taker = taker
        try:
            status: int = self._native.espeak_Synth(octets, len(octets), 0, 1, 0, _UTF8, None, None)
        finally:
            self._taker = None
        return status == 0

    def _received(self, samples: object, count: int, events: object) -> int:
        taker = self._taker
        if taker is None:
            return 1
        begun: list[WordBegun] = []
        index = 0
        while (event := events[index]).type != _EVENT_END:  # type: ignore[index]
            index += 1
            if event.type == _EVENT_WORD:
                begun.append(WordBegun(event.text_position - 1, event.length, event.audio_position))
        pcm = ctypes.string_at(samples, 2 * count) if samples and count > 0 else b""  # type: ignore[arg-type]
        return 0 if taker(pcm, begun) else 1
