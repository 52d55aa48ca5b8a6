"""Placing calls: one request, one phone that rings, whatever becomes of the answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import aiohttp
import pytest

from cordboard.ports import LegFailed
from cordboard.telephony.twilio import placing
from cordboard.telephony.twilio.api import Account, CallRequest, TwilioApi
from cordboard.telephony.twilio.leg import LegParts, TwilioLeg
from cordboard.telephony.twilio.placing import place
from cordboard.telephony.twilio.twiml import hang_up
from tests.fakes.twilio_rest import ACCOUNT_SID, AUTH_TOKEN, FakeRest
from tests.telephony.twilio.door import HandClock

SINCE = datetime(2026, 11, 21, tzinfo=UTC)
REQUEST = CallRequest(
    to_number="+12025550102",
    from_number="+12025550101",
    document=hang_up(),
    status_url="https://voice.example.com/twilio/status/leg1",
)


class Rig:
    """The API, its fake, and a leg that is to be placed."""

    def __init__(self, rest: FakeRest, http: aiohttp.ClientSession) -> None:
        self.rest = rest
        self.api = TwilioApi(http, Account(ACCOUNT_SID, AUTH_TOKEN), rest.url)
        clock = HandClock()
        self.leg = TwilioLeg("leg1", "", LegParts(clock, clock, self.api))

    async def place(self) -> None:
        await place(self.api, self.leg, REQUEST, SINCE)


@pytest.fixture
async def rig(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    """Look for lost calls without waiting long."""
    monkeypatch.setattr(placing, "LOOKS", (0.01, 0.02, 0.03))
    async with FakeRest().running() as rest, aiohttp.ClientSession() as http:
        yield Rig(rest, http)


async def test_a_call_is_placed(rig: Rig) -> None:
    """The leg learns the identifier."""
    await rig.place()
    assert list(rig.rest.calls) == [rig.leg.progress.call_sid]


@pytest.mark.parametrize(("status", "code"), [(400, 21211), (401, 20003), (429, 20429)])
async def test_a_refusal_is_final(rig: Rig, status: int, code: int) -> None:
    """Nothing was placed, nothing is looked for, and the record learns the code."""
    rig.rest.fail(status, code)
    with pytest.raises(LegFailed, match=str(code)):
        await rig.place()
    assert rig.rest.requests == 1


async def test_an_answer_that_got_lost(rig: Rig) -> None:
    """The call is found by its numbers and not placed again."""
    rig.rest.lose_answers = 1
    await rig.place()
    assert list(rig.rest.calls) == [rig.leg.progress.call_sid]


async def test_the_status_callback_comes_first(rig: Rig) -> None:
    """It brings the identifier; no search is needed."""
    rig.rest.lose_answers = 1
    rig.leg.progress.call_sid = "CA" + "5" * 32
    await rig.place()
    assert rig.leg.progress.call_sid == "CA" + "5" * 32
    assert rig.rest.requests == 1


async def test_a_request_that_never_arrived(rig: Rig) -> None:
    """After three looks the attempt has failed; it was sent once."""
    rig.rest.fail(503)
    with pytest.raises(LegFailed, match="503"):
        await rig.place()
    assert rig.rest.calls == {}
    assert rig.rest.requests == 1 + 3


async def test_two_calls_that_could_be_it(rig: Rig) -> None:
    """None is taken: another attempt's call is not ours."""
    await rig.api.create(REQUEST)
    rig.rest.lose_answers = 1
    with pytest.raises(LegFailed):
        await rig.place()
    assert len(rig.rest.calls) == 2


async def test_the_leg_has_ended_meanwhile(rig: Rig) -> None:
    """A call that turns up too late is hung up at once."""
    await rig.leg.end()
    await rig.place()
    assert [call.status for call in rig.rest.calls.values()] == ["completed"]
