"""The tap on both directions: aligned, and never a reason to end a call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

import pytest

from cordboard.clock import run_virtual
from cordboard.engine.facts import FactLog
from cordboard.engine.recording import Recorder
from cordboard.engine.timeline import Timeline
from cordboard.media.codec import L16_8K, PCMU, Codec
from tests.engine.rig import Rig

SILENCE = PCMU.silence_frame
CALLER, AGENT = b"\x01" * 160, b"\x02" * 160


class Tape:
    """A sink and its one recording; may be slow to open, refuse, or break after some frames."""

    def __init__(
        self,
        open_s: float = 0.0,
        refusal: Exception | None = None,
        breaks_after: int = 10_000,
        seal_s: float = 0.0,
    ) -> None:
        self._open_s = open_s
        self._refusal = refusal
        self._left = breaks_after
        self._seal_s = seal_s
        self.codec: Codec | None = None
        self.sides: list[list[bytes]] = [[], []]
        self.closed_count = 0

    async def open(self, call_id: str, organisation_id: str, codec: Codec) -> Tape:
        await asyncio.sleep(self._open_s)
        if self._refusal is not None:
            raise self._refusal
        self.codec = codec
        return self

    def caller(self, payload: bytes) -> None:
        self._left -= 1
        if self._left < 0:
            raise OSError("disk full")
        self.sides[0].append(payload)

    def agent(self, payload: bytes) -> None:
        self.sides[1].append(payload)

    async def close(self) -> bool:
        self.closed_count += 1
        await asyncio.sleep(self._seal_s)
        return True


def record(
    script: Callable[[Recorder, Rig], Coroutine[None, None, None]], tape: Tape
) -> tuple[Rig, bool]:
    """Open, run the script, close; return the rig and whether there is something to play."""

    async def main() -> tuple[Rig, bool]:
        rig = Rig()
        facts = FactLog(rig.new_call(), rig.store, rig.clock, Timeline(rig.clock))
        recorder = Recorder(rig.leg(), facts, rig.report)
        async with asyncio.TaskGroup() as group:
            group.create_task(recorder.open(tape, "c1", "org"))
            await asyncio.sleep(0)
            await script(recorder, rig)
        return rig, await recorder.close()

    return run_virtual(main())


def test_both_sides_stay_aligned() -> None:
    """Each tick writes one frame of each side; what came while the file was opened is first."""
    tape = Tape(open_s=1)

    async def script(recorder: Recorder, rig: Rig) -> None:
        for number in range(200):
            recorder.tick(CALLER, AGENT if number % 2 else None)
            await asyncio.sleep(0.02)
        recorder.pad(3)

    rig, readable = record(script, tape)
    assert readable
    assert tape.sides[0] == [CALLER] * 200 + [SILENCE] * 3
    assert tape.sides[1] == [SILENCE, AGENT] * 100 + [SILENCE] * 3
    assert rig.store.kinds() == []


def test_codec_change_keeps_the_file() -> None:
    """The file goes on in the encoding it was begun with."""
    tape = Tape()

    async def script(recorder: Recorder, rig: Rig) -> None:
        await asyncio.sleep(0.1)
        leg = recorder._leg
        leg.change_codec(L16_8K)  # type: ignore[attr-defined]
        recorder.codec_changed()
        recorder.tick(bytes(320), None)

    record(script, tape)
    assert tape.codec == PCMU
    assert [len(frame) for frame in tape.sides[0] + tape.sides[1]] == [160, 160]


@pytest.mark.parametrize(
    ("tape", "failure", "mistakes"),
    [
        (Tape(refusal=OSError("full")), "no_room", 0),
        (Tape(open_s=60), "timeout", 0),
        (Tape(refusal=ValueError("mine")), "failed", 1),
        (Tape(breaks_after=10), "failed", 1),
    ],
    ids=["no room", "too slow", "our mistake", "disk full on the way"],
)
def test_failure_is_a_fact(tape: Tape, failure: str, mistakes: int) -> None:
    """Whatever goes wrong is on the timeline once, and what was written is still sealed."""

    async def script(recorder: Recorder, rig: Rig) -> None:
        for _ in range(400):
            recorder.tick(CALLER, AGENT)
            await asyncio.sleep(0.02)

    rig, readable = record(script, tape)
    assert rig.store.kinds() == ["recording_failed"]
    assert rig.store.facts["c1"][0].content == {"failure": failure}
    assert len(rig.reports) == mistakes
    assert tape.closed_count == readable == (len(tape.sides[0]) == 10)


def test_seal_that_hangs() -> None:
    """A file that cannot be sealed in time is not promised, and delays the end by 5 s at most."""

    async def script(recorder: Recorder, rig: Rig) -> None:
        await asyncio.sleep(0.1)

    rig, readable = record(script, Tape(seal_s=3600))
    assert not readable
    assert [type(error) for _, error in rig.reports] == [TimeoutError]
