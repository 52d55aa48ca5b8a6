"""The call's own time."""

from __future__ import annotations

import asyncio

from cordboard.clock import VirtualClock, run_virtual
from cordboard.engine.timeline import Timeline


def test_frames_and_gaps() -> None:
    """Frames move it on; up to 100 ms of lateness is jitter, more is a gap of whole frames."""

    async def main() -> None:
        timeline = Timeline(VirtualClock())
        assert (timeline.running, timeline.at_ms()) == (False, None)
        timeline.start()
        await asyncio.sleep(0.02)
        assert timeline.missing_frames() == 0
        timeline.advance()
        assert (timeline.position_ms, timeline.at_ms()) == (20, 20)
        await asyncio.sleep(0.12)
        assert timeline.missing_frames() == 0
        await asyncio.sleep(0.86)
        missing = timeline.missing_frames()
        timeline.advance(missing)
        assert timeline.at_ms() == timeline.position_ms + 20 == 1000

    run_virtual(main())
