"""A leg that we place, against a leg that we answer, over real sockets on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from cordboard.call.events import EndReason, LegEndedBy
from cordboard.clock import SystemClock
from cordboard.engine.clock import MediaClock
from cordboard.ids import Randomness
from cordboard.media.codec import PCMU
from cordboard.ports import DialFailed, OutgoingLeg
from cordboard.sip.config import UserAgentConfig
from cordboard.sip.events import CallOffered
from cordboard.sip.fields import BadField
from cordboard.sip.uac import InvitationNames
from cordboard.telephony.sip.endpoint import SipEndpoint
from cordboard.telephony.sip.hops import DialForbidden
from cordboard.telephony.sip.leg import SipLeg
from cordboard.telephony.sip.media_choice import NARROW_FIRST
from cordboard.telephony.sip.outgoing import OutgoingSipLeg
from cordboard.telephony.sip.ports import PortRange
from cordboard.telephony.sip.route import Route, lost_invitation
from cordboard.telephony.sip.stream import RtpHost

HOST = "127.0.0.1"


@dataclass
class Sink:
    """Keeps what a leg delivers."""

    digits: str = ""
    frames: int = 0
    loud: bytes = b""
    ended_as: list[tuple[LegEndedBy, str]] = field(default_factory=list)

    def audio_received(self, payload: bytes) -> None:
        self.frames += 1
        if payload.strip(b"\xff\x7f"):
            self.loud += payload

    def mark_reached(self, mark: str) -> None:
        return None

    def digit_pressed(self, digit: str) -> None:
        self.digits += digit

    def digits_sent(self, request_id: str, failure: str | None) -> None:
        return None

    def held(self, on: bool) -> None:
        return None

    def codec_changed(self) -> None:
        return None

    def ended(self, by: LegEndedBy, cause: str) -> None:
        self.ended_as.append((by, cause))


class House:
    """Two endpoints: ours, and one whose calls are kept in ``offers``."""

    def __init__(self) -> None:
        self.randomness = Randomness.system()
        clock = SystemClock()
        self.media_clock = MediaClock(clock, self._broke)
        self.host = RtpHost(
            *(HOST, HOST, PortRange(31_800, 32_398), clock, self.media_clock, self.randomness)
        )
        self.offers: asyncio.Queue[CallOffered] = asyncio.Queue(10)
        self.ours = self._endpoint(lambda offer: None)
        self.theirs = self._endpoint(self.offers.put_nowait)
        self.address = ("", 0)
        self.broken: list[BaseException] = []
        self.saved: list[Mapping[str, object]] = []
        self.store_is_away = False

    def _broke(self, where: str, error: BaseException) -> None:
        self.broken.append(error)

    def _endpoint(self, offered: Callable[[CallOffered], None]) -> SipEndpoint:
        return SipEndpoint(
            lambda port: UserAgentConfig((HOST, port)),
            self.host.clock,
            self.randomness.token,
            offered,
        )

    async def _save(self, dialog: Mapping[str, object]) -> None:
        self.saved.append(dialog)
        if self.store_is_away:
            raise TimeoutError

    def names(self) -> InvitationNames:
        """Return fresh names."""
        token = self.randomness.token
        return InvitationNames(token(), token(), token())

    def route(self, permit: Callable[[], str] = lambda: "100", **more: object) -> Route:
        """Return the route to the other endpoint."""
        return Route(
            destination=self.address,
            host=f"{HOST}:{self.address[1]}",
            sender="200",
            sender_host=HOST,
            permit=permit,
            names=self.names(),
            **more,  # type: ignore[arg-type]
        )

    async def leg(self, route: Route) -> OutgoingSipLeg:
        """Return a leg that may be dialled."""
        leg = OutgoingSipLeg(
            *("leg", self.ours, self.host, NARROW_FIRST, route),
            lambda dialog: None,
            self._save,
        )
        await leg.prepare()
        return leg

    async def offered(self) -> SipLeg:
        """Wait for a call at the other endpoint; returns its leg, ready to be answered."""
        offer = await self.offers.get()
        assert (offer.request_user, offer.from_user) == ("100", "200")
        leg = SipLeg(self.theirs, offer, self.host, NARROW_FIRST, lambda dialog: None)
        await leg.prepare()
        return leg


@asynccontextmanager
async def house() -> AsyncIterator[House]:
    """Run a house within the block; it must hold nothing at the end."""
    made = House()
    await made.ours.start(HOST, 0)
    made.address = await made.theirs.start(HOST, 0)
    async with asyncio.TaskGroup() as group:
        ticking = group.create_task(made.media_clock.run())
        yield made
        ticking.cancel()
    await made.ours.stop()
    await made.theirs.stop()
    assert made.host.ports.in_use_count == 0
    assert not made.broken


async def test_answered_with_digits_and_sound() -> None:
    """The extension's digits come first, in order; then sound flows both ways."""
    async with house() as made, asyncio.timeout(20):
        leg = await made.leg(made.route(digits="1w2#"))
        assert isinstance(leg, OutgoingLeg)
        ours, theirs = Sink(), Sink()
        leg.start(ours)
        rang: list[bool] = []
        async with asyncio.TaskGroup() as group:
            group.create_task(leg.dial(rang.append))
            far = await made.offered()
            far.start(theirs)
            far.ring()
            await asyncio.sleep(0.1)
            await far.answer()
        assert rang == [False]
        while theirs.digits != "12#":  # noqa: ASYNC110  (another endpoint tells)
            await asyncio.sleep(0.02)
        leg.play(PCMU.silence_frame.replace(b"\xff", b"\x10"))
        far.play(PCMU.silence_frame.replace(b"\xff", b"\x20"))
        while not (ours.loud and theirs.loud):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        assert b"\x10" in theirs.loud
        assert b"\x20" in ours.loud
        await leg.end()
        while not theirs.ended_as:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        assert theirs.ended_as[0][0] is LegEndedBy.FAR_END
        assert ours.ended_as[0][0] is LegEndedBy.LOCAL


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (486, EndReason.BUSY),
        (603, EndReason.REJECTED),
        (404, EndReason.UNREACHABLE),
        (480, EndReason.NO_ANSWER),
        (500, EndReason.CARRIER_FAILED),
    ],
)
async def test_refused(status: int, reason: EndReason) -> None:
    """A refusal is the reason that its status stands for."""
    async with house() as made, asyncio.timeout(10):
        leg = await made.leg(made.route())
        leg.start(Sink())
        dialling = asyncio.gather(leg.dial(lambda early: None), return_exceptions=True)
        await (await made.offered()).refuse(status)
        (failure,) = await dialling
    assert isinstance(failure, DialFailed)
    assert (failure.by, failure.reason) == (LegEndedBy.FAR_END, reason)
    assert str(failure).startswith(str(status))


@pytest.mark.parametrize("away", [False, True])
async def test_stored_before_it_is_acknowledged(away: bool) -> None:
    """The dialog is stored before the ACK leaves; a store that is away holds up no call."""
    async with house() as made, asyncio.timeout(10):
        made.store_is_away = away
        leg = await made.leg(made.route())
        leg.start(Sink())
        async with asyncio.TaskGroup() as group:
            group.create_task(leg.dial(lambda early: None))
            far, theirs = await made.offered(), Sink()
            far.start(theirs)
            await far.answer()
        assert [dialog["remote_tag"] != "" for dialog in made.saved] == [True]
        await leg.end()
        while not theirs.ended_as:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_given_up_while_it_rings() -> None:
    """``end`` cancels; both sides are let go."""
    async with house() as made, asyncio.timeout(10):
        leg = await made.leg(made.route())
        leg.start(Sink())
        dialling = asyncio.gather(leg.dial(lambda early: None), return_exceptions=True)
        far, theirs = await made.offered(), Sink()
        far.start(theirs)
        far.ring()
        await asyncio.sleep(0.1)
        await leg.end()
        (failure,) = await dialling
        while not theirs.ended_as:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert isinstance(failure, DialFailed)
    assert (failure.by, failure.reason) == (LegEndedBy.LOCAL, None)
    assert theirs.ended_as == [(LegEndedBy.FAR_END, "cancelled")]


async def test_given_up_before_it_was_dialled() -> None:
    """A leg that was ended is not dialled any more."""
    async with house() as made:
        leg = await made.leg(made.route())
        leg.start(Sink())
        await leg.end()
        with pytest.raises(DialFailed):
            await leg.dial(lambda early: None)
        assert made.offers.empty()


async def test_policy_is_asked_last() -> None:
    """What the policy forbids at the last moment never reaches the wire."""

    def forbid() -> str:
        raise DialForbidden("not any more")

    async with house() as made:
        leg = await made.leg(made.route(forbid))
        leg.start(Sink())
        with pytest.raises(DialFailed) as failure:
            await leg.dial(lambda early: None)
        await asyncio.sleep(0.1)
        assert made.offers.empty()
    assert (failure.value.reason, str(failure.value)) == (EndReason.DIAL_REFUSED, "not any more")


async def test_as_whom_it_is_shown() -> None:
    """Name and asserted identity reach the far end whole, whatever stands in the name."""
    name = 'Zoë "Z" \\ Front <desk>'
    async with house() as made, asyncio.timeout(10):
        leg = await made.leg(made.route(sender_name=name, asserted="+4930555010"))
        leg.start(Sink())
        dialling = asyncio.gather(leg.dial(lambda early: None), return_exceptions=True)
        offer = await made.offers.get()
        assert (offer.from_user, offer.display_name) == ("200", name)
        identity = offer.headers["p-asserted-identity"]
        assert identity.endswith(f"<sip:+4930555010@{HOST}>")
        assert identity.startswith('"Zoë')
        await leg.end()
        await dialling


async def test_ring_limit() -> None:
    """Ringing ends by itself: nobody answered."""
    async with house() as made, asyncio.timeout(10):
        leg = await made.leg(made.route(ring_limit_ms=300))
        leg.start(Sink())
        dialling = asyncio.gather(leg.dial(lambda early: None), return_exceptions=True)
        far = await made.offered()
        far.start(Sink())
        far.ring()
        (failure,) = await dialling
    assert isinstance(failure, DialFailed)
    assert failure.reason is EndReason.NO_ANSWER


def test_record() -> None:
    """What gives a call up after a crash survives being stored; anything else is refused."""
    names = InvitationNames("call", "tag", "branch")
    route = Route(
        destination=("192.0.2.1", 5060),
        host="example.com",
        sender="200",
        sender_host=HOST,
        permit=lambda: "100",
        names=names,
    )
    found = lost_invitation(route.record("100"))
    assert found is not None
    invitation, has_credentials = found
    assert not has_credentials
    assert (invitation.target, invitation.names) == ("sip:100@example.com", names)
    assert invitation.destination == ("192.0.2.1", 5060)
    assert lost_invitation({"call_id": "a dialog's"}) is None
    for broken in ({"invitation": 3}, {"invitation": {"target": "x"}}):
        with pytest.raises(BadField):
            lost_invitation(broken)
