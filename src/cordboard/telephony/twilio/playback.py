"""What leaves for the far end: sound as it comes, marks, digits as tones, and what was heard."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

from cordboard.media import g711
from cordboard.media.codec import PCMU
from cordboard.media.tones import digit_tone
from cordboard.telephony.twilio.pace import BYTES_PER_MS, Pace
from cordboard.telephony.twilio.wire import Outgoing

PIECE_BYTES: Final = 4_000
"""The longest message: half a second."""

MARK_EVERY_BYTES: Final = 8_000
"""So much sound at most between two marks, so that the estimate of what was heard stays good."""

WRITE_BUFFER_BYTES_MAX: Final = 128 * 1024
"""Beyond this sound waits with us: with one more piece a socket never holds 256 KiB."""

DIGIT_MS: Final = 300
PAUSE_MS: Final = 100
DIGITS: Final = frozenset("0123456789*#ABCD")
MOST_DIGITS: Final = 64
MOST_ROWS: Final = 16
OVERDUE_MS: Final = 5_000
"""A mark that is so late is taken for lost."""

MOST_MARKS: Final = 4_096


class Exit(Protocol):
    """The way out: one open socket."""

    @property
    def waiting_bytes(self) -> int:
        """How much the far end has not taken yet."""
        ...

    def send(self, message: bytes) -> None:
        """Send one text message at once; a socket that is gone drops it."""
        ...


@dataclass(frozen=True, slots=True)
class Heard:
    """Who is told what the far end has heard."""

    mark_reached: Callable[[str], None]
    digits_sent: Callable[[str, str | None], None]


@dataclass(slots=True)
class _Sound:
    payload: bytes
    end: int = 0


@dataclass(slots=True)
class _Mark:
    name: str
    """The engine's name; empty for one of our own."""
    wire_name: str = ""
    at: int = 0


@dataclass(slots=True)
class _Digits:
    request_id: str
    sound: bytes


_Item = _Sound | _Mark | _Digits


class Playback:
    """The outgoing half of a leg. Nothing is lost with a socket: what the far end has not heard is
    sent again on the next one.

    Digits wait until the sound before them has been played and hold up what comes after them, so
    that ``clear`` may drop all speech without cutting a tone.
    """

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self._exit: tuple[Exit, Outgoing] | None = None
        self._pace = Pace()
        self._waiting: deque[_Item] = deque()
        self._sent: deque[_Sound | _Mark] = deque()
        self._marks = 0
        self._unmarked_bytes = 0
        self._dialing: tuple[str, str] | None = None

    def open(self, way_out: Exit, outgoing: Outgoing, now_ms: int) -> None:
        """A socket is there: send what waits."""
        self._exit = way_out, outgoing
        self._pump(now_ms)

    def close(self, now_ms: int) -> None:
        """The socket is gone: what was not heard waits for the next one; digits have failed."""
        if self._exit is None:
            return
        self._exit = None
        dialing, self._dialing = self._dialing, None
        heard = self._pace.heard(now_ms)
        again: list[_Sound | _Mark] = []
        for item in self._sent:
            if isinstance(item, _Mark):
                if item.name:
                    again.append(item)
            elif dialing is None and item.end > heard:
                again.append(_Sound(item.payload[-(item.end - heard) :]))
        self._sent.clear()
        self._unmarked_bytes = 0
        self._waiting.extendleft(reversed(again))
        self._pace = Pace(self._pace.lag_ms)
        if dialing is not None:
            self._heard.digits_sent(dialing[0], "the media stream broke off")

    def play(self, payload: bytes, now_ms: int) -> None:
        """Have sound played after all that was given before."""
        for start in range(0, len(payload), PIECE_BYTES):
            self._waiting.append(_Sound(payload[start : start + PIECE_BYTES]))
        self._pump(now_ms)

    def mark(self, name: str, now_ms: int) -> None:
        """Have ``mark_reached`` called when all that was given before has been played."""
        if len(self._waiting) + len(self._sent) < MOST_MARKS:
            self._waiting.append(_Mark(name))
            self._pump(now_ms)

    def clear(self, now_ms: int) -> int:
        """Drop sound and marks; return how many milliseconds of sound were not heard."""
        unheard = sum(len(item.payload) for item in self._waiting if isinstance(item, _Sound))
        self._waiting = deque(item for item in self._waiting if isinstance(item, _Digits))
        if self._dialing is None and self._sent:
            unheard += self._pace.dropped(now_ms)
            self._sent.clear()
            self._unmarked_bytes = 0
            if self._exit is not None:
                way_out, outgoing = self._exit
                way_out.send(outgoing.clear)
        self._pump(now_ms)
        return unheard // BYTES_PER_MS

    def send_digits(self, request_id: str, digits: str, now_ms: int) -> str | None:
        """Have digits sent as tones after the sound; returns what is wrong with them, or None."""
        if not digits or any(digit not in DIGITS for digit in digits):
            return "not digits"
        rows = sum(isinstance(item, _Digits) for item in self._waiting)
        if rows >= MOST_ROWS or len(digits) > MOST_DIGITS:
            return "too many digits"
        sound = b"".join(_press(digit) for digit in digits)
        self._waiting.append(_Digits(request_id, sound))
        self._pump(now_ms)
        return None

    def reached(self, wire_name: str, now_ms: int) -> None:
        """A mark has come back. One that is not waited for (it was dropped) means nothing."""
        if not any(isinstance(item, _Mark) and item.wire_name == wire_name for item in self._sent):
            return
        self._settle(wire_name, now_ms)
        self._pump(now_ms)

    def tick(self, now_ms: int) -> None:
        """Send what found no room before, and give up marks that are lost."""
        if self._sent and now_ms - self._pace.end_ms() > OVERDUE_MS and self._exit is not None:
            last = next((item for item in reversed(self._sent) if isinstance(item, _Mark)), None)
            if last is None:
                self._sent.clear()
            else:
                self._settle(last.wire_name, now_ms)
        if self._waiting:
            self._pump(now_ms)

    def _settle(self, wire_name: str, now_ms: int) -> None:
        """Everything up to this mark has been played; marks before it were lost on the way."""
        reached: list[str] = []
        while self._sent:
            item = self._sent.popleft()
            if isinstance(item, _Mark):
                if item.name:
                    reached.append(item.name)
                if item.wire_name == wire_name:
                    self._pace.reached(item.at, now_ms)
                    break
        dialing = self._dialing
        if dialing is not None and dialing[1] == wire_name:
            self._dialing = None
            self._heard.digits_sent(dialing[0], None)
        for name in reached:
            self._heard.mark_reached(name)

    def _pump(self, now_ms: int) -> None:
        while self._waiting and self._exit is not None and self._dialing is None:
            item = self._waiting[0]
            way_out, outgoing = self._exit
            if isinstance(item, _Digits):
                if self._sent:
                    if not isinstance(self._sent[-1], _Mark):
                        self._send_mark(_Mark(""), way_out, outgoing)
                    return
                self._waiting.popleft()
                self._send_sound(_Sound(item.sound), way_out, outgoing, now_ms)
                mark = _Mark("")
                self._send_mark(mark, way_out, outgoing)
                self._dialing = item.request_id, mark.wire_name
            elif isinstance(item, _Mark):
                self._waiting.popleft()
                self._send_mark(item, way_out, outgoing)
            elif way_out.waiting_bytes > WRITE_BUFFER_BYTES_MAX:
                return
            else:
                self._waiting.popleft()
                self._send_sound(item, way_out, outgoing, now_ms)
                if self._unmarked_bytes >= MARK_EVERY_BYTES:
                    self._send_mark(_Mark(""), way_out, outgoing)

    def _send_sound(self, sound: _Sound, way_out: Exit, outgoing: Outgoing, now_ms: int) -> None:
        self._pace.sent(len(sound.payload), now_ms)
        sound.end = self._pace.sent_bytes
        self._unmarked_bytes += len(sound.payload)
        self._sent.append(sound)
        way_out.send(outgoing.media(sound.payload))

    def _send_mark(self, mark: _Mark, way_out: Exit, outgoing: Outgoing) -> None:
        self._marks += 1
        mark.wire_name = f"m{self._marks}"
        mark.at = self._pace.sent_bytes
        self._unmarked_bytes = 0
        self._sent.append(mark)
        way_out.send(outgoing.mark(mark.wire_name))


@lru_cache(maxsize=len(DIGITS))
def _press(digit: str) -> bytes:
    """Return one key in mu-law: the tone, and the pause after it."""
    tone = g711.pcm_to_mulaw(digit_tone(digit, DIGIT_MS, PCMU.rate_hz))
    return tone + PCMU.silence_frame * (PAUSE_MS // 20)
