"""Where a call is tried next: redirections, further addresses, and what ends the search."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from cordboard.call.events import EndReason
from cordboard.ports import DialFailed
from cordboard.sip.datagram import Address
from cordboard.sip.events import CallEnded, EndedBy
from cordboard.telephony.sip.hops import ATTEMPTS_MAX, DialForbidden, DialLater, Hop, Hops
from cordboard.telephony.sip.route import lost_invitation
from tests.telephony.sip.test_outgoing import HOST, House, Sink, house

HERE: Address = ("192.0.2.1", 5060)
THERE: Address = ("192.0.2.2", 5060)


def _hop(number: str = "1", destination: Address = HERE, *others: Address) -> Hop:
    return Hop(
        destination=destination, host="h", permit=lambda: number, number=number, others=others
    )


async def _follow(contact: str) -> Hop:
    if contact == "forbidden":
        raise DialForbidden("not that one")
    return _hop(contact)


def _hops(first: Hop, dead: list[Address] | None = None) -> Hops:
    return Hops(first, _follow, ([] if dead is None else dead).append)


def _ended(status: int, *contacts: str, by: EndedBy = EndedBy.REMOTE) -> CallEnded:
    return CallEnded("h", by, status, "", contacts)


async def _numbers(hops: Hops, hop: Hop, *statuses: int) -> list[str]:
    """Return the numbers tried after each of these answers."""
    tried = []
    for status in statuses:
        following = await hops.after(hop, _ended(status), silent=False)
        if following is None:
            break
        hop = following
        tried.append(hop.number)
    return tried


async def test_contacts_are_tried_in_turn() -> None:
    """A refusal leads to the next contact of the redirection, until none is left."""
    first = _hop()
    hops = _hops(first)
    second = await hops.after(first, _ended(302, "2", "3", "2"), silent=False)
    assert second is not None
    assert [second.number, *await _numbers(hops, second, 486, 404)] == ["2", "3"]


@pytest.mark.parametrize("status", [600, 603])
async def test_global_refusal_ends_the_search(status: int) -> None:
    """A 6xx says that nobody anywhere wants the call (RFC 3261 21.6)."""
    first = _hop()
    hops = _hops(first)
    second = await hops.after(first, _ended(302, "2", "3"), silent=False)
    assert second is not None
    assert await hops.after(second, _ended(status), silent=False) is None


async def test_ringing_for_too_long_ends_the_search() -> None:
    """A call that we stopped ourselves is not tried elsewhere."""
    first = _hop("1", HERE, THERE)
    ended = _ended(408, by=EndedBy.TIMEOUT)
    assert await _hops(first).after(first, ended, silent=False) is None


async def test_circles_are_left() -> None:
    """A number is tried once; back where the call came from, it has nowhere to go."""
    first = _hop()
    hops = _hops(first)
    second = await hops.after(first, _ended(302, "2"), silent=False)
    assert second is not None
    assert await hops.after(second, _ended(302, "1"), silent=False) is None
    assert hops.refusals == ["redirected in a circle"]
    assert not hops.forbidden


async def test_chains_end() -> None:
    """However new each contact is, a call takes only so many INVITEs."""
    hop: Hop | None = _hop("0")
    assert hop is not None
    hops, count = _hops(hop), 1
    while hop is not None:
        hop = await hops.after(hop, _ended(302, f"new {count}"), silent=False)
        count += hop is not None
    assert count == ATTEMPTS_MAX
    assert hops.refusals == ["redirected too often"]


async def test_forbidden_contacts_are_passed_over() -> None:
    """What the policy refuses is not tried, and said."""
    first = _hop()
    hops = _hops(first)
    second = await hops.after(first, _ended(302, "forbidden", "2"), silent=False)
    assert second is not None
    assert second.number == "2"
    assert (hops.refusals, hops.forbidden) == (["not that one"], True)


@pytest.mark.parametrize(("status", "silent"), [(503, False), (408, True)])
async def test_next_address_of_a_broken_one(status: int, silent: bool) -> None:
    """503 and silence lead to the target's next address (RFC 3263 4.3), and are remembered."""
    first = _hop("1", HERE, THERE)
    dead: list[Address] = []
    hops = _hops(first, dead)
    second = await hops.after(first, _ended(status), silent=silent)
    assert second is not None
    assert (second.destination, second.others, dead) == (THERE, (), [HERE])
    assert await hops.after(second, _ended(503), silent=False) is None


async def test_answered_refusal_is_no_broken_address() -> None:
    """A busy number is busy by whichever address."""
    first = _hop("1", HERE, THERE)
    assert await _numbers(_hops(first), first, 486) == []


async def _redirect(made: House, *contacts: str) -> None:
    """Have the other endpoint redirect its next call."""
    offer = await made.offers.get()
    fields = tuple(("Contact", f"<{contact}>") for contact in contacts)
    made.theirs.agent.calls.reject(offer.handle, 302, made.theirs.now_ms, headers=fields)
    made.theirs.pump()


async def _again(made: House, contact: str) -> Hop:
    number = contact.removeprefix("sip:").partition("@")[0]
    if number == "900":
        raise DialForbidden("premium numbers may not be dialled")
    return Hop(destination=made.address, host=HOST, permit=lambda: number, number=number)


async def test_redirected_leg_rings_elsewhere() -> None:
    """The leg goes where the 302 points, is on record there first, and talks as any other."""
    async with house() as made, asyncio.timeout(10):
        route = made.route(follow=lambda contact: _again(made, contact))
        leg = await made.leg(route)
        leg.start(Sink())
        async with asyncio.TaskGroup() as group:
            group.create_task(leg.dial(lambda early: None))
            await _redirect(made, f"sip:900@{HOST}", f"sip:100@{HOST}")
            far, theirs = await made.offered(), Sink()
            far.start(theirs)
            await far.answer()
        recorded = lost_invitation(made.saved[0])
        assert recorded is not None
        assert (recorded[0].target, recorded[0].attempt) == (f"sip:100@{HOST}", 1)
        await leg.end()
        while not theirs.ended_as:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_redirected_to_what_may_not_be_dialled() -> None:
    """The policy refuses the new number: nobody is dialled, and the failure says why."""
    async with house() as made, asyncio.timeout(10):
        leg = await made.leg(made.route(follow=lambda contact: _again(made, contact)))
        leg.start(Sink())
        dialling = asyncio.gather(leg.dial(lambda early: None), return_exceptions=True)
        await _redirect(made, f"sip:900@{HOST}")
        (failure,) = await dialling
        assert made.offers.empty()
    assert isinstance(failure, DialFailed)
    assert failure.reason is EndReason.DIAL_REFUSED
    assert "premium" in str(failure)


async def test_unrecorded_redirection_is_not_dialled() -> None:
    """Where the next attempt cannot be put on record it is not made: a crash could not end it."""
    async with house() as made, asyncio.timeout(10):
        made.store_is_away = True
        leg = await made.leg(made.route(follow=lambda contact: _again(made, contact)))
        leg.start(Sink())
        dialling = asyncio.gather(leg.dial(lambda early: None), return_exceptions=True)
        await _redirect(made, f"sip:100@{HOST}")
        (failure,) = await dialling
        assert made.offers.empty()
    assert isinstance(failure, DialFailed)
    assert failure.reason is EndReason.CARRIER_FAILED


async def test_given_up_while_it_is_redirected() -> None:
    """A leg that is ended between two places is not dialled at the second."""
    async with house() as made, asyncio.timeout(10):

        async def follow(contact: str) -> Hop:
            await leg.end()
            return await _again(made, contact)

        leg = await made.leg(made.route(follow=follow))
        leg.start(Sink())
        dialling = asyncio.gather(leg.dial(lambda early: None), return_exceptions=True)
        await _redirect(made, f"sip:100@{HOST}")
        (failure,) = await dialling
        assert made.offers.empty()
    assert isinstance(failure, DialFailed)
    assert failure.reason is None


async def test_silent_address_is_left_for_the_next() -> None:
    """An address that says nothing is given up in seconds where the target has another."""
    dead: list[Address] = []
    async with house() as made, asyncio.timeout(20):
        silent = ("127.0.0.1", 9)
        route = made.route(others=(made.address,), dead=dead.append)
        leg = await made.leg(replace(route, destination=silent))
        leg.start(Sink())
        async with asyncio.TaskGroup() as group:
            group.create_task(leg.dial(lambda early: None))
            far = await made.offered()
            far.start(Sink())
            await far.answer()
        assert dead == [silent]
        await leg.end()
        made.ours.agent.handle_deadline(made.ours.now_ms + 80_000)


async def test_waits_for_its_turn() -> None:
    """A leg whose turn has not come asks again, and is dialled when it may be."""
    waits = [30, 40]

    def permit() -> str:
        if waits:
            raise DialLater(waits.pop(0))
        return "100"

    async with house() as made, asyncio.timeout(10):
        leg = await made.leg(made.route(permit))
        leg.start(Sink())
        dialling = asyncio.gather(leg.dial(lambda early: None), return_exceptions=True)
        await (await made.offered()).refuse(486)
        (failure,) = await dialling
    assert isinstance(failure, DialFailed)
    assert failure.reason is EndReason.BUSY
    assert waits == []


async def test_short_ringing_says_nothing_of_the_address() -> None:
    """A call that was to ring for a moment only does not put its trunk's address last."""
    dead: list[Address] = []
    async with house() as made, asyncio.timeout(20):
        route = replace(
            made.route(dead=dead.append, ring_limit_ms=200), destination=("127.0.0.1", 9)
        )
        leg = await made.leg(route)
        leg.start(Sink())
        with pytest.raises(DialFailed) as failure:
            await leg.dial(lambda early: None)
        assert failure.value.reason is EndReason.UNREACHABLE
        made.ours.agent.handle_deadline(made.ours.now_ms + 80_000)
    assert dead == []
