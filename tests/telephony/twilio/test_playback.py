"""What leaves for the far end: order, marks, clearing, digits, and a socket that goes away."""

from __future__ import annotations

import base64
import json
import random
from dataclasses import dataclass, field

import pytest

from cordboard.media.codec import PCMU, new_decoder
from cordboard.media.dtmf_tones import InBandDigits
from cordboard.telephony.twilio.pace import FIRST_LAG_MS
from cordboard.telephony.twilio.playback import (
    OVERDUE_MS,
    PIECE_BYTES,
    WRITE_BUFFER_BYTES_MAX,
    Heard,
    Playback,
)
from cordboard.telephony.twilio.wire import Outgoing
from tests.counts import count


@dataclass
class Way:
    """A socket that keeps what is sent."""

    messages: list[dict[str, object]] = field(default_factory=list)
    waiting_bytes: int = 0

    def send(self, message: bytes) -> None:
        self.messages.append(json.loads(message))

    def of(self, event: str) -> list[dict[str, object]]:
        return [message for message in self.messages if message["event"] == event]

    @property
    def sound(self) -> bytes:
        parts = [message["media"] for message in self.of("media")]
        return b"".join(base64.b64decode(part["payload"]) for part in parts)  # type: ignore[index]

    @property
    def marks(self) -> list[str]:
        return [message["mark"]["name"] for message in self.of("mark")]  # type: ignore[index]


class Rig:
    """A playback and its socket."""

    def __init__(self) -> None:
        self.reached: list[str] = []
        self.sent: list[tuple[str, str | None]] = []
        self.playback = Playback(Heard(self.reached.append, self._digits))
        self.way = Way()
        self.playback.open(self.way, Outgoing("MZ1"), 0)

    def _digits(self, request_id: str, failure: str | None) -> None:
        self.sent.append((request_id, failure))


def test_sound_leaves_as_it_comes() -> None:
    """Every byte, in order, at once, in messages of half a second at most."""
    rig = Rig()
    sound = bytes(range(256)) * 40
    rig.playback.play(sound, 0)
    assert rig.way.sound == sound
    assert len(rig.way.of("media")) == -(-len(sound) // PIECE_BYTES)


def test_marks_tell_what_was_heard() -> None:
    """A mark of the engine's comes back to it once, when the far end returns it."""
    rig = Rig()
    rig.playback.play(b"x" * 800, 0)
    rig.playback.mark("u1", 0)
    assert rig.reached == []
    rig.playback.reached(rig.way.marks[-1], 140)
    rig.playback.reached(rig.way.marks[-1], 140)
    rig.playback.reached("nonsense", 140)
    assert rig.reached == ["u1"]


def test_a_mark_vouches_for_those_before_it() -> None:
    """A mark that got lost is reached when a later one is."""
    rig = Rig()
    for name in ("u1", "u2"):
        rig.playback.play(b"x" * 800, 0)
        rig.playback.mark(name, 0)
    rig.playback.reached(rig.way.marks[-1], 300)
    assert rig.reached == ["u1", "u2"]


def test_clear_returns_what_was_not_heard() -> None:
    """By time and marks; marks that come back after it were interrupted and count for nothing."""
    rig = Rig()
    rig.playback.play(b"x" * 8_000, 0)
    rig.playback.mark("u1", 0)
    marks = rig.way.marks
    unheard_ms = rig.playback.clear(FIRST_LAG_MS + 400)
    assert unheard_ms == 600
    assert rig.way.messages[-1] == {"event": "clear", "streamSid": "MZ1"}
    for mark in marks:
        rig.playback.reached(mark, 480)
    assert rig.reached == []


def test_nothing_to_clear() -> None:
    """Once all marks are back there is nothing to drop and nothing to say."""
    rig = Rig()
    rig.playback.play(b"x" * 800, 0)
    rig.playback.mark("u1", 0)
    rig.playback.reached(rig.way.marks[-1], 150)
    assert rig.playback.clear(160) == 0
    assert rig.way.of("clear") == []


def test_long_sound_is_marked_in_between() -> None:
    """So that the estimate is mended every second; the engine hears nothing of it."""
    rig = Rig()
    rig.playback.play(b"x" * 40_000, 0)
    assert len(rig.way.marks) == 5
    rig.playback.reached(rig.way.marks[2], 3_400)
    assert rig.reached == []
    assert rig.playback.clear(3_400) == 2_000


def test_a_slow_reader_leaves_sound_with_us() -> None:
    """Beyond the bound nothing is written; it goes on when there is room."""
    rig = Rig()
    rig.way.waiting_bytes = WRITE_BUFFER_BYTES_MAX + 1
    rig.playback.play(b"x" * 8_000, 0)
    assert rig.way.messages == []
    assert rig.playback.clear(0) == 1_000
    rig.playback.play(b"y" * 800, 0)
    rig.way.waiting_bytes = 0
    rig.playback.tick(20)
    assert rig.way.sound == b"y" * 800


def test_digits_wait_for_the_sound_before_and_hold_up_what_follows() -> None:
    """Tones are heard alone, 300 ms each and 100 ms apart, and told when they were played."""
    rig = Rig()
    rig.playback.play(b"\xff" * 800, 0)
    assert rig.playback.send_digits("r1", "1*#9", 0) is None
    rig.playback.play(b"\x00" * 160, 0)
    assert len(rig.way.sound) == 800
    rig.playback.reached(rig.way.marks[-1], 140)
    tones = rig.way.sound[800:]
    assert len(tones) == 4 * 400 * 8
    assert _digits_in(tones) == "1*#9"
    rig.playback.reached(rig.way.marks[-1], 1_800)
    assert rig.sent == [("r1", None)]
    assert rig.way.sound.endswith(b"\x00" * 160)


def test_clear_spares_digits() -> None:
    """A caller who speaks meanwhile silences the agent, not the keys."""
    rig = Rig()
    rig.playback.send_digits("r1", "12", 0)
    rig.playback.play(b"\x00" * 800, 0)
    assert rig.playback.clear(100) == 100
    assert rig.way.of("clear") == []
    rig.playback.reached(rig.way.marks[-1], 900)
    assert rig.sent == [("r1", None)]
    assert len(rig.way.sound) == 2 * 400 * 8


def test_clear_lets_waiting_digits_go_at_once() -> None:
    """The sound before them is gone, so that nothing holds them up."""
    rig = Rig()
    rig.playback.play(b"\x00" * 8_000, 0)
    rig.playback.send_digits("r1", "1", 0)
    assert rig.playback.clear(40) == 1_000
    assert len(rig.way.sound) == 8_000 + 400 * 8


@pytest.mark.parametrize("digits", ["", "12a", "1 2", "1" * 65, "٣"])
def test_what_is_no_digits(digits: str) -> None:
    """It is told at once, and nothing is sent."""
    rig = Rig()
    assert rig.playback.send_digits("r1", digits, 0) is not None
    assert rig.way.messages == []


def test_digits_whose_socket_breaks_off_have_failed() -> None:
    """Nobody knows which were heard: they are not pressed again."""
    rig = Rig()
    rig.playback.send_digits("r1", "12", 0)
    rig.playback.close(300)
    assert rig.sent == [("r1", "the media stream broke off")]
    again = Way()
    rig.playback.open(again, Outgoing("MZ2"), 500)
    assert again.messages == []


def test_another_socket_goes_on_where_the_ear_stopped() -> None:
    """What was not heard is sent again, with its marks; nothing that was heard is."""
    rig = Rig()
    sound = random.Random(1).randbytes(8_000)
    rig.playback.play(sound[:6_000], 0)
    rig.playback.close(FIRST_LAG_MS + 500)
    rig.playback.play(sound[6_000:], 600)
    rig.playback.mark("u1", 600)
    again = Way()
    rig.playback.open(again, Outgoing("MZ2"), 2_000)
    assert again.sound == sound[4_000:]
    assert again.messages[0]["streamSid"] == "MZ2"
    rig.playback.reached(again.marks[-1], 2_600)
    assert rig.reached == ["u1"]


def test_clear_while_there_is_no_socket() -> None:
    """Time stands still for what waits: all of it is unheard."""
    rig = Rig()
    rig.playback.play(b"x" * 8_000, 0)
    rig.playback.close(FIRST_LAG_MS + 500)
    assert rig.playback.clear(60_000) == 500


def test_marks_that_are_lost_are_given_up() -> None:
    """Five seconds after its time a mark counts as reached."""
    rig = Rig()
    rig.playback.play(b"x" * 800, 0)
    rig.playback.mark("u1", 0)
    rig.playback.tick(OVERDUE_MS)
    assert rig.reached == []
    rig.playback.tick(OVERDUE_MS + 100 + FIRST_LAG_MS + 20)
    assert rig.reached == ["u1"]


@pytest.mark.parametrize("seed", range(count(40, 2_000)))
def test_against_an_ear(seed: int) -> None:
    """Random play, clear and drops: the far end plays all that was not cleared, in order, and our
    count of what it heard is never more than the lag and its way home off.
    """
    chance = random.Random(seed)
    rig, ear, now_ms, given = Rig(), _Ear(), 0, 0
    for _ in range(60):
        for _ in range(chance.randint(1, 20)):
            now_ms += 20
            ear.hear(rig.way)
            for mark in ear.returned():
                rig.playback.reached(mark, now_ms)
            rig.playback.tick(now_ms)
        if chance.random() < 0.2:
            unheard = rig.playback.clear(now_ms) * 8
            ear.hear(rig.way, play=False)
            heard_by_count = given - unheard
            assert abs(heard_by_count - ear.played) <= 8 * (FIRST_LAG_MS + 40), (
                heard_by_count,
                ear.played,
            )
            given = ear.played
            ear.returned()
        else:
            size = 160 * chance.randint(1, 100)
            rig.playback.play(b"x" * size, now_ms)
            given += size


class _Ear:
    """The far end, without a lag: it plays 160 bytes a step."""

    def __init__(self) -> None:
        self.played = 0
        self._seen = 0
        self._buffer: list[int | str] = []
        self._marks: list[str] = []

    def hear(self, way: Way, play: bool = True) -> None:
        for message in way.messages[self._seen :]:
            match message:
                case {"event": "media", "media": {"payload": str(payload)}}:
                    self._buffer.append(len(base64.b64decode(payload)))
                case {"event": "mark", "mark": {"name": str(name)}}:
                    self._buffer.append(name)
                case {"event": "clear"}:
                    self._marks += [item for item in self._buffer if isinstance(item, str)]
                    self._buffer.clear()
        self._seen = len(way.messages)
        room = 160 if play else 0
        while self._buffer:
            item = self._buffer[0]
            if isinstance(item, str):
                self._marks.append(item)
                self._buffer.pop(0)
            elif not room:
                break
            else:
                taken = min(room, item)
                room -= taken
                self.played += taken
                self._buffer[0] = item - taken
                if not item - taken:
                    self._buffer.pop(0)

    def returned(self) -> list[str]:
        marks, self._marks = self._marks, []
        return marks


def _digits_in(sound: bytes) -> str:
    detector = InBandDigits(8000)
    pcm = new_decoder(PCMU).to_pcm(sound)
    step = PCMU.pcm_frame_bytes
    return "".join(
        detector.push(pcm[start : start + step]) or "" for start in range(0, len(pcm), step)
    )
