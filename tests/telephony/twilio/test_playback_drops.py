"""Sockets that break while sound plays: nothing is lost, little is heard twice."""

from __future__ import annotations

import base64
import json
import random
from itertools import pairwise

import pytest

from cordboard.telephony.twilio.playback import Heard, Playback
from cordboard.telephony.twilio.wire import Outgoing
from tests.counts import count
from tests.fakes.twilio_media import FRAME_BYTES, Ear

TWICE_MS_MAX = 400
"""Sound that may be heard again after one drop: twice the longest way there and back tried here."""


class Line:
    """A far end whose ear lags behind what we send, and whose socket can break."""

    def __init__(self, lag_ms: int) -> None:
        self.marks: list[str] = []
        self.playback = Playback(Heard(self.marks.append, lambda request_id, failure: None))
        self.ear = Ear()
        self.waiting_bytes = 0
        self.now_ms = 0
        self._lag_ms = lag_ms
        self._coming: list[tuple[int, str, str | bytes]] = []
        self._going: list[tuple[int, str]] = []

    def send(self, message: bytes) -> None:
        found = json.loads(message)
        due_ms = self.now_ms + self._lag_ms
        if found["event"] == "media":
            sound = base64.b64decode(found["media"]["payload"])
            self._coming.append((due_ms, "media", sound))
        else:
            self._coming.append((due_ms, "mark", found["mark"]["name"]))

    def connect(self) -> None:
        self.ear.begin()
        self.playback.open(self, Outgoing("MZ1"), self.now_ms)

    def drop(self) -> None:
        self._coming.clear()
        self._going.clear()
        self.playback.close(self.now_ms)
        self.ear.begin()

    def pass_time(self, duration_ms: int) -> None:
        for _ in range(duration_ms // 20):
            self.now_ms += 20
            while self._coming and self._coming[0][0] <= self.now_ms:
                _, _, item = self._coming.pop(0)
                if isinstance(item, bytes):
                    self.ear.take(item)
                else:
                    self._return(self.ear.mark(item))
            self._return(self.ear.play())
            while self._going and self._going[0][0] <= self.now_ms:
                self.playback.reached(self._going.pop(0)[1], self.now_ms)
            self.playback.tick(self.now_ms)

    def _return(self, marks: list[str]) -> None:
        self._going += [(self.now_ms + self._lag_ms, mark) for mark in marks]


@pytest.mark.parametrize("seed", range(count(40, 1_000)))
def test_every_frame_is_heard(seed: int) -> None:
    """Whenever sockets break: each frame reaches the ear, in order; each drop repeats little."""
    chance = random.Random(seed)
    line = Line(lag_ms=chance.choice([0, 20, 60, 100]))
    line.connect()
    frames, drops = 0, 0
    for _ in range(20):
        for _ in range(chance.randint(0, 60)):
            frames += 1
            line.playback.play(_frame(frames), line.now_ms)
        line.playback.mark(f"u{frames}", line.now_ms)
        line.pass_time(chance.choice([20, 200, 1_000]))
        if chance.random() < 0.3:
            drops += 1
            line.drop()
            line.pass_time(chance.choice([0, 500, 3_000]))
            line.connect()
    line.pass_time(frames * 20 + 6_000)
    heard = _numbers(bytes(line.ear.heard))
    assert set(heard) == set(range(1, frames + 1))
    assert all(after <= before + 1 for before, after in pairwise(heard))
    assert len(heard) <= frames + drops * TWICE_MS_MAX // 20
    assert line.marks[-1:] == [f"u{frames}"]


def _frame(number: int) -> bytes:
    return number.to_bytes(2, "big") * (FRAME_BYTES // 2)


def _numbers(sound: bytes) -> list[int]:
    """Return the frames heard, by number; those that a drop cut in two are read by their middle."""
    numbers: list[int] = []
    silence = 0xFFFF
    for start in range(0, len(sound), FRAME_BYTES):
        pair = sound[start + FRAME_BYTES // 2 : start + FRAME_BYTES // 2 + 2]
        number = int.from_bytes(pair, "big")
        if number != silence and numbers[-1:] != [number]:
            numbers.append(number)
    return numbers
