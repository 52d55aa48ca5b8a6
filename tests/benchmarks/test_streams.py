"""What the bench of media streams says of a run follows from what it noted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.probe import Probe
from benchmarks.streams.__main__ import HEAD, row
from benchmarks.streams.caller import FRAME_S, Heard, Playout, own_share_ms
from benchmarks.streams.ladder import rung_of
from benchmarks.streams.load import figures
from benchmarks.streams.vendors import Notes, has_speech
from benchmarks.streams.wire import BINARY, TEXT, FrameReader, frame

NOTED = {
    "last_sound": 10.002,
    "final": 10.302,
    "asked_model": 10.303,
    "first_sentence": 10.663,
    "asked_voice": 10.667,
    "first_sound": 10.767,
}


def _notes() -> Notes:
    notes = Notes()
    for what, at in NOTED.items():
        notes.mark(what, (3, 1), at)
    return notes


@given(
    st.lists(st.tuples(st.binary(max_size=70_000), st.booleans(), st.booleans()), max_size=4),
    st.integers(1, 1_500),
)
def test_messages_survive_any_cutting(messages: list[tuple[bytes, bool, bool]], size: int) -> None:
    """What is written as frames is read as the same messages, however the stream is cut."""
    stream = b"".join(
        frame(payload, TEXT if is_text else BINARY, masked=masked)
        for payload, is_text, masked in messages
    )
    reader = FrameReader()
    read = [
        one for at in range(0, len(stream), size) for one in reader.push(stream[at : at + size])
    ]
    assert read == [(TEXT if is_text else BINARY, payload) for payload, is_text, _ in messages]


def test_masked_and_fragmented() -> None:
    """A payload under a real key is read in the clear, and parts of a message are joined."""
    reader = FrameReader()
    assert reader.push(b"\x01\x83abcd\x29\x07\x0f") == []
    assert reader.push(b"\x80\x02lo") == [(TEXT, b"Hello")]


def test_own_share_is_what_vendors_did_not_take() -> None:
    """From the last speech to the answer, less what the three vendors had the ball for."""
    shares = own_share_ms(_notes(), ((3, 1), 10.0, 10.775))
    assert shares is not None
    assert {name: round(ms) for name, ms in shares.items()} == {
        "to_transcriber": 2, "to_model": 1, "to_voice": 4, "to_caller": 8,
    }  # fmt: skip
    vendors_ms = 300 + 360 + 100
    assert sum(shares.values()) == pytest.approx(775 - vendors_ms)
    assert own_share_ms(_notes(), ((3, 2), 10.0, 10.775)) is None


def test_late_frames_are_gaps_within_an_answer() -> None:
    """Sound that comes after all before it was played is late by the gap, in whole frames."""
    heard = Heard()
    playout = Playout(heard)
    playout.take(0.2, 5.0)
    playout.take(0.2, 5.1)
    playout.take(0.2, 5.4 + 2.5 * FRAME_S)
    assert heard.frames == pytest.approx(30)
    assert heard.late_frames == 2
    playout.clear(6.0)
    playout.take(0.2, 8.0)
    assert heard.late_frames == 2


def test_marks_return_when_played_or_cleared() -> None:
    """A mark is due when the sound before it has been played, or at once after ``clear``."""
    playout = Playout(Heard())
    playout.take(0.2, 5.0)
    playout.mark("a")
    playout.take(0.2, 5.0)
    playout.mark("b")
    assert playout.due(5.1) == []
    assert playout.due(5.25) == ["a"]
    playout.clear(5.3)
    assert playout.due(5.3) == ["b"]


def test_figures_of_a_run() -> None:
    """CPU time is per call and minute, memory beyond the idle server, the core by the clock."""
    heard = Heard(answers=[((3, 1), 10.0, 10.775)], clears_ms=[80.0], started={3: 1.0}, frames=100)
    notes = _notes()
    notes.opened[3] = 1.005
    result = figures(heard, notes) | {"generator_late_ms": 0.2, "generator_p99_ms": 0.9}
    looks = (
        Probe(0, 1.0, 0, 100_000, 5.0),
        Probe(10, 2.0, 0, 0, 20.0),
        Probe(40, 5.0, 0, 100_800, 24.0),
    )
    rung = rung_of("ours", 8, result, looks, (80, 81))
    assert rung.cpu_s_per_call_minute == pytest.approx(3.0 / (8 * 0.5))
    assert rung.core_share == pytest.approx(0.1)
    assert rung.call_kib == 100
    assert rung.others_share == pytest.approx(1 / 30)
    assert (rung.turns, round(rung.own_p95), rung.clear_p95) == (1, 15, 80.0)
    assert round(rung.ready_p95) == 5
    assert not rung.broke
    assert row(rung).count("|") == HEAD.count("|")


def test_what_counts_as_speech() -> None:
    """Silence and line noise are none; a loud sample is."""
    assert not has_speech(b"\xff\x7f" * 80)
    assert not has_speech(b"\xf0" * 160)
    assert has_speech(b"\xff" * 159 + b"\x20")
