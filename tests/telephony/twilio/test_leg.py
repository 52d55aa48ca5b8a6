"""A leg by hand: decisions, endings, sockets that replace one another, a far end that is silent."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from cordboard.call.events import LegEndedBy
from cordboard.media.codec import PCMU
from cordboard.ports import LegFailed
from cordboard.telephony.twilio.errors import Unavailable
from cordboard.telephony.twilio.leg import (
    RESUME_WAIT_MS,
    SILENT_MS_MAX,
    STALLED_MS_MAX,
    WATCH_EVERY_MS,
    LegParts,
    TwilioLeg,
)
from cordboard.telephony.twilio.playback import WRITE_BUFFER_BYTES_MAX
from cordboard.telephony.twilio.twiml import DialPlan
from cordboard.telephony.twilio.wire import (
    Digit,
    DigitDetails,
    Mark,
    MarkDetails,
    Media,
    MediaDetails,
    Start,
    StartDetails,
    Stop,
)
from tests.telephony.twilio.door import CALL_SID, Control, Ears, HandClock

FRAME = bytes(160)


@dataclass
class Wire:
    """A socket that keeps what happened to it."""

    sent: list[bytes] = field(default_factory=list)
    waiting_bytes: int = 0
    ends: list[str] = field(default_factory=list)

    def send(self, message: bytes) -> None:
        self.sent.append(message)

    def close(self) -> None:
        self.ends.append("close")

    def abort(self) -> None:
        self.ends.append("abort")


class Rig:
    """A leg with its first socket, answered."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.control = Control()
        self.ears = Ears()
        self.leg = TwilioLeg("leg1", CALL_SID, LegParts(self.clock, self.clock, self.control))
        self.leg.start(self.ears)
        self.wire = Wire()

    def connect(self, call_sid: str = CALL_SID) -> Wire:
        wire = Wire()
        if self.leg.attach(wire, Start(StartDetails("MZ1", call_sid))):
            self.wire = wire
        return wire

    def hear(self, frame: bytes = FRAME) -> None:
        self.leg.receive(self.wire, Media(MediaDetails(frame)))

    def talk(self, duration_ms: int) -> None:
        """Let time pass while the far end sends, as it always does."""
        for _ in range(duration_ms // 20):
            self.clock.move(20)
            self.hear()


async def test_answer_waits_for_the_stream() -> None:
    """The webhook learns the decision; answering ends when the stream has started."""
    rig = Rig()
    async with asyncio.TaskGroup() as group:
        answering = group.create_task(rig.leg.answer())
        assert await rig.leg.progress.decision() == 0
        assert not answering.done()
        rig.connect()
    rig.hear()
    assert rig.ears.frames == [FRAME]
    assert rig.leg.codec is PCMU


async def test_a_stream_that_never_starts() -> None:
    """Answering has a deadline, which a call that has to ring first can set."""
    clock = HandClock()
    leg = TwilioLeg("leg1", CALL_SID, LegParts(clock, clock, Control()), answer_wait_ms=10)
    with pytest.raises(LegFailed, match="no media stream"):
        await leg.answer()


async def test_refusal() -> None:
    """A refused call is over; the webhook learns the status, and no socket is taken."""
    rig = Rig()
    await rig.leg.refuse(486)
    assert await rig.leg.progress.decision() == 486
    rig.connect()
    assert rig.wire.sent == []
    assert rig.ears.endings == [(LegEndedBy.LOCAL, "486")]


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        ("busy", "busy"),
        ("no-answer", "no answer"),
        ("failed", "failed"),
        ("canceled", "cancelled"),
        ("completed", "hang-up"),
    ],
)
async def test_outcomes_of_a_call_we_place(status: str, cause: str) -> None:
    """Every way of not being picked up fails the answer with its cause."""
    rig = Rig()

    async def ring() -> None:
        await asyncio.sleep(0)
        for early in ("queued", "initiated", "ringing", "nonsense"):
            rig.leg.call_status(early)
        assert rig.ears.endings == []
        rig.leg.call_status(status)

    answered, _ = await asyncio.gather(rig.leg.answer(), ring(), return_exceptions=True)
    assert isinstance(answered, LegFailed)
    assert str(answered) == cause
    assert len(rig.ears.endings) == 1


async def test_the_end_from_our_side() -> None:
    """The socket is closed first, the API is asked, and the end is told once."""
    rig = Rig()
    wire = rig.connect()
    await rig.leg.end()
    await rig.leg.end()
    rig.leg.receive(wire, Stop())
    assert wire.ends == ["close"]
    assert rig.control.hung_up == [CALL_SID]
    assert rig.ears.endings == [(LegEndedBy.LOCAL, "released")]
    assert rig.clock.ticks == []


async def test_an_api_that_fails_does_not_keep_the_call() -> None:
    """The socket is gone all the same: the vendor comes back and is told to hang up."""
    rig = Rig()
    wire = rig.connect()
    rig.control.error = Unavailable("down")
    await rig.leg.end()
    assert wire.ends == ["close"]
    assert rig.ears.endings == [(LegEndedBy.LOCAL, "released")]


def test_the_callers_hang_up() -> None:
    """``stop`` is the end, told once; what comes later is not heard."""
    rig = Rig()
    rig.connect()
    rig.leg.receive(rig.wire, Stop())
    rig.hear()
    rig.leg.call_status("completed")
    assert rig.ears.endings == [(LegEndedBy.FAR_END, "hang-up")]
    assert rig.ears.frames == []


def test_an_end_before_there_is_a_sink() -> None:
    """It is told as soon as somebody listens."""
    clock, ears = HandClock(), Ears()
    leg = TwilioLeg("leg1", CALL_SID, LegParts(clock, clock, Control()))
    leg.call_status("canceled")
    leg.start(ears)
    assert ears.endings == [(LegEndedBy.FAR_END, "cancelled")]


def test_digits_and_marks() -> None:
    """Keys and marks reach the sink; sound of another track does not."""
    rig = Rig()
    rig.connect()
    rig.leg.receive(rig.wire, Digit(DigitDetails("#")))
    rig.leg.play(FRAME)
    rig.leg.mark("u1")
    rig.leg.receive(rig.wire, Mark(MarkDetails("m1")))
    rig.leg.receive(rig.wire, Media(MediaDetails(FRAME, "outbound")))
    assert (rig.ears.digits, rig.ears.marks, rig.ears.frames) == ("#", ["u1"], [])
    rig.leg.send_digits("r1", "x")
    assert rig.ears.sent == [("r1", "not digits")]


def test_one_live_socket() -> None:
    """Another socket of the same call takes over; the old one is closed and not listened to."""
    rig = Rig()
    first = rig.connect()
    second = rig.connect()
    assert first.ends == ["close"]
    assert second.ends == []
    rig.leg.receive(first, Stop())
    rig.leg.lost(first)
    rig.hear()
    assert rig.ears.endings == []
    assert len(rig.ears.frames) == 1
    assert len(rig.clock.ticks) == 1


def test_a_stream_of_another_call() -> None:
    """Even with the right address: a stream that names another call is not taken."""
    rig = Rig()
    first = rig.connect()
    rig.connect(call_sid="CA" + "2" * 32)
    assert rig.wire is first
    assert first.ends == []


def test_a_dropped_socket_and_the_next() -> None:
    """Meanwhile the engine hears silence; what it plays is sent on the next socket."""
    rig = Rig()
    rig.connect()
    rig.leg.lost(rig.wire)
    rig.clock.move(2_000)
    assert 90 <= len(rig.ears.frames) <= 100
    rig.leg.play(FRAME)
    assert len(rig.connect().sent) == 1
    assert rig.ears.endings == []


def test_a_socket_that_never_comes() -> None:
    """After ten seconds without one the call has failed; nothing ticks any more."""
    rig = Rig()
    rig.connect()
    rig.leg.lost(rig.wire)
    rig.clock.move(RESUME_WAIT_MS)
    assert rig.ears.endings == []
    rig.clock.move(100)
    assert rig.ears.endings == [(LegEndedBy.FAILURE, "the media stream was lost")]
    assert rig.clock.ticks == []


def test_a_half_open_socket() -> None:
    """Five seconds without sound cut it; then the call waits for the next one, or ends."""
    rig = Rig()
    wire = rig.connect()
    rig.talk(1_000)
    rig.clock.move(SILENT_MS_MAX - 20)
    assert wire.ends == []
    rig.clock.move(100)
    assert wire.ends == ["abort"]
    assert rig.ears.endings == []
    rig.clock.move(RESUME_WAIT_MS + 100)
    assert len(rig.ears.endings) == 1


def test_a_reader_that_stalls() -> None:
    """A far end that leaves our messages unread for ten seconds is cut off."""
    rig = Rig()
    wire = rig.connect()
    wire.waiting_bytes = WRITE_BUFFER_BYTES_MAX + 1
    rig.talk(STALLED_MS_MAX - 100)
    wire.waiting_bytes = 0
    rig.talk(200)
    wire.waiting_bytes = WRITE_BUFFER_BYTES_MAX + 1
    rig.talk(STALLED_MS_MAX)
    assert wire.ends == []
    rig.talk(2 * WATCH_EVERY_MS)
    assert wire.ends == ["abort"]


DIAL = DialPlan(
    number="+12025550102", caller_id="+12025550101", resume_url="https://voice.example.com/r"
)


async def test_transfer_and_coming_back() -> None:
    """A transfer ends the stream, not the call; who is not reached there comes back to us."""
    rig = Rig()
    rig.connect()
    await rig.leg.transfer(DIAL)
    assert "+12025550102" in rig.control.redirected[0]
    rig.leg.receive(rig.wire, Stop())
    rig.clock.move(RESUME_WAIT_MS * 3)
    assert rig.ears.endings == []
    rig.connect()
    assert rig.ears.holds == [True, False]
    rig.leg.receive(rig.wire, Stop())
    assert rig.ears.endings == [(LegEndedBy.FAR_END, "hang-up")]


async def test_a_transfer_that_is_refused() -> None:
    """The call goes on as it was."""
    rig = Rig()
    rig.connect()
    rig.control.error = Unavailable("down")
    with pytest.raises(LegFailed, match="down"):
        await rig.leg.transfer(DIAL)
    rig.leg.receive(rig.wire, Stop())
    assert rig.ears.endings == [(LegEndedBy.FAR_END, "hang-up")]


async def test_a_transfer_that_ends_the_call() -> None:
    """When the vendor says that all is over, the cause is the transfer."""
    rig = Rig()
    rig.connect()
    await rig.leg.transfer(DIAL)
    rig.leg.receive(rig.wire, Stop())
    rig.leg.progress.target_took("in-progress")
    assert await rig.leg.progress.transferred() == "answered"
    rig.leg.call_status("completed")
    assert rig.ears.endings == [(LegEndedBy.FAR_END, "transferred")]
