"""The REST API: every request and error, against a fake that the vendor's own client passes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import aiohttp
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from cordboard.telephony.twilio.api import Account, CallRequest, TwilioApi
from cordboard.telephony.twilio.errors import (
    ApiError,
    NotAllowed,
    NotFound,
    Refused,
    TooMany,
    Unavailable,
)
from cordboard.telephony.twilio.twiml import hang_up
from tests.fakes.twilio_rest import ACCOUNT_SID, AUTH_TOKEN, FakeRest

ACCOUNT = Account(ACCOUNT_SID, AUTH_TOKEN)
SINCE = datetime(2026, 11, 21, tzinfo=UTC)


def request(**changes: object) -> CallRequest:
    """Return a call that can be placed."""
    fields: dict[str, object] = {
        "to_number": "+12025550102",
        "from_number": "+12025550101",
        "document": hang_up(),
        "status_url": "https://voice.example.com/twilio/status/tag",
        **changes,
    }
    return CallRequest(**fields)  # type: ignore[arg-type]


@pytest.fixture
async def rest() -> AsyncIterator[FakeRest]:
    """Run the fake."""
    async with FakeRest().running() as fake:
        yield fake


@pytest.fixture
async def api(rest: FakeRest) -> AsyncIterator[TwilioApi]:
    """Speak with it."""
    async with aiohttp.ClientSession() as http:
        yield TwilioApi(http, ACCOUNT, rest.url)


async def test_the_vendors_own_client_passes(rest: FakeRest) -> None:
    """Its client places, looks up, lists, ends and redirects calls at the same fake."""

    def use() -> None:
        client = Client(ACCOUNT_SID, AUTH_TOKEN)
        client.api.base_url = rest.url
        call = client.calls.create(
            to="+12025550102", from_="+12025550101", twiml=hang_up(), timeout=20
        )
        assert call.sid is not None
        assert client.calls(call.sid).fetch().status == "queued"
        assert [one.sid for one in client.calls.list(to="+12025550102")] == [call.sid]
        client.calls(call.sid).update(twiml=hang_up())
        assert client.calls(call.sid).update(status="completed").status == "completed"
        with pytest.raises(TwilioRestException) as refused:
            client.calls(call.sid).update(status="completed")
        assert (refused.value.status, refused.value.code) == (400, 21220)
        stranger = Client(ACCOUNT_SID, "wrong")
        stranger.api.base_url = rest.url
        with pytest.raises(TwilioRestException) as unknown:
            stranger.calls(call.sid).fetch()
        assert unknown.value.status == 401
        client.http_client.session.close()
        stranger.http_client.session.close()

    await asyncio.to_thread(use)


async def test_place_look_up_end(rest: FakeRest, api: TwilioApi) -> None:
    """A call goes out with our fields, is found by its identifier, and is ended."""
    made = await api.create(request(timeout_s=25, send_digits="ww12#"))
    call = rest.calls[made.sid]
    assert (call.get("To"), call.get("From")) == ("+12025550102", "+12025550101")
    assert (call.get("Timeout"), call.get("SendDigits")) == ("25", "ww12#")
    events = [value for name, value in call.form if name == "StatusCallbackEvent"]
    assert events == ["initiated", "ringing", "answered", "completed"]
    assert not (await api.fetch(made.sid)).over
    await api.hang_up(made.sid)
    assert (await api.fetch(made.sid)).over
    await api.hang_up(made.sid)


async def test_users_own_fields(rest: FakeRest, api: TwilioApi) -> None:
    """They win over ours, save for those that decide who is called and who learns of it."""
    asked = request(
        timeout_s=25,
        params={
            "Timeout": "10",
            "MachineDetection": "Enable",
            "Twiml": "<Response/>",
            "url": "https://elsewhere.example",
            "To": "+19005550100",
            "From": "+19005550101",
            "ApplicationSid": "AP1",
            "StatusCallback": "https://elsewhere.example",
        },
    )
    call = rest.calls[(await api.create(asked)).sid]
    assert (call.get("Timeout"), call.get("MachineDetection")) == ("10", "Enable")
    assert call.get("To") == "+12025550102"
    assert call.get("Twiml") == hang_up()
    left_out = ("Twiml", "url", "To", "From", "ApplicationSid", "StatusCallback")
    assert asked.left_out() == left_out
    assert sum(name.lower() == "url" for name, _ in call.form) == 0


async def test_redirect(rest: FakeRest, api: TwilioApi) -> None:
    """A running call goes on by another document."""
    made = await api.create(request())
    await api.redirect(made.sid, "<Response/>")
    assert rest.calls[made.sid].documents == ["<Response/>"]


async def test_where_a_number_leads(rest: FakeRest, api: TwilioApi) -> None:
    """A number is found by itself, not by its beginning, and its addresses are set and taken."""
    rest.owns("+120255501012")
    fields = rest.owns("+12025550101", "https://a.example.com/")
    found = await api.number("+12025550101")
    assert found is not None
    assert (found.sid, found.voice_url) == (fields["sid"], "https://a.example.com/")
    await api.lead(found.sid, "https://b.example.com/v", "https://b.example.com/s")
    assert fields["voice_url"] == "https://b.example.com/v"
    assert fields["status_callback"] == "https://b.example.com/s"
    await api.lead(found.sid, "", "")
    assert fields["voice_url"] == ""
    assert await api.number("+1202555") is None
    with pytest.raises(NotFound):
        await api.lead("PN1/../../Calls", "", "")


async def test_calls_of_a_lost_attempt(rest: FakeRest, api: TwilioApi) -> None:
    """After a crash the calls between two numbers are found, newest first."""
    first = await api.create(request())
    await api.create(request(to_number="+12025550199"))
    second = await api.create(request())
    early = await api.create(request())
    rest.calls[early.sid].date_created = "Fri, 20 Nov 2026 23:58:00 +0000"
    found = await api.find("+12025550102", "+12025550101", SINCE)
    assert [call.sid for call in found] == [second.sid, first.sid]
    for unclear in (None, "yesterday"):
        rest.calls[early.sid].date_created = unclear
        assert len(await api.find("+12025550102", "+12025550101", SINCE)) == 3


@pytest.mark.parametrize(
    ("status", "code", "kind", "maybe_done"),
    [
        (400, 21211, Refused, False),
        (401, 20003, NotAllowed, False),
        (403, 20003, NotAllowed, False),
        (404, 20404, NotFound, False),
        (500, 20500, Unavailable, True),
        (503, 20503, Unavailable, True),
    ],
)
async def test_errors_by_what_can_be_done(
    rest: FakeRest, api: TwilioApi, status: int, code: int, kind: type[ApiError], maybe_done: bool
) -> None:
    """Each answer is its own error; only where a call may be out there is it marked so."""
    rest.fail(status, code)
    with pytest.raises(kind) as failed:
        await api.create(request())
    assert failed.value.status == status
    assert failed.value.maybe_done is maybe_done
    assert AUTH_TOKEN not in str(failed.value)
    assert rest.requests == 1


@pytest.mark.parametrize(
    ("header", "wait_s"), [("7", 7.0), ("", 1.0), ("soon", 1.0), ("99999", 60.0), ("0", 0.1)]
)
async def test_too_many(rest: FakeRest, api: TwilioApi, header: str, wait_s: float) -> None:
    """429 says when to ask again, within reason; nothing was done."""
    rest.fail(429, 20429, header)
    with pytest.raises(TooMany) as failed:
        await api.create(request())
    assert failed.value.retry_after_s == wait_s
    assert not failed.value.maybe_done


async def test_a_cut_connection(rest: FakeRest, api: TwilioApi) -> None:
    """A call may have been placed when the answer got lost; ending one is asked for twice."""
    made = await api.create(request())
    rest.trouble.append(None)
    with pytest.raises(Unavailable) as failed:
        await api.create(request())
    assert failed.value.maybe_done
    rest.trouble.append(None)
    await api.hang_up(made.sid)
    assert rest.calls[made.sid].status == "completed"


async def test_nobody_there() -> None:
    """A refused connection is known to have done nothing."""
    async with aiohttp.ClientSession() as http:
        api = TwilioApi(http, ACCOUNT, "http://127.0.0.1:9")
        with pytest.raises(Unavailable) as failed:
            await api.create(request())
    assert not failed.value.maybe_done


async def test_identifiers_are_checked(api: TwilioApi, rest: FakeRest) -> None:
    """Nothing but an identifier gets into a path."""
    for sid in ("", "CA1", "../Accounts", "CA" + "g" * 32):
        with pytest.raises(NotFound):
            await api.fetch(sid)
    assert rest.requests == 0
    with pytest.raises(ValueError, match="account"):
        Account("AC1", "x")


def test_the_brief_form_repeats_no_foreign_words() -> None:
    """Logs get status and code; what the carrier wrote is for the call's record."""
    assert NotAllowed("HTTP 401, code 20003: their words", 401, 20003).brief == (
        "HTTP 401, code 20003"
    )
    assert Unavailable("no connection").brief == "Unavailable"


async def test_numbers_by_the_vendors_own_client(rest: FakeRest) -> None:
    """Its client finds, buys, looks up and gives back a number at the same fake."""
    rest.for_sale = ["+12125550101", "+14155550101"]

    def use() -> None:
        client = Client(ACCOUNT_SID, AUTH_TOKEN)
        client.api.base_url = rest.url
        offers = client.available_phone_numbers("US").local.list(area_code=415, limit=5)
        assert [one.phone_number for one in offers] == ["+14155550101"]
        bought = client.incoming_phone_numbers.create(
            phone_number="+14155550101", friendly_name="mine", voice_url="https://v.example"
        )
        assert bought.sid is not None
        with pytest.raises(TwilioRestException) as sold:
            client.incoming_phone_numbers.create(phone_number="+14155550101")
        assert (sold.value.status, sold.value.code) == (400, 21422)
        (found,) = client.incoming_phone_numbers.list(friendly_name="mine")
        assert (found.sid, found.voice_url) == (bought.sid, "https://v.example")
        assert client.incoming_phone_numbers(bought.sid).delete()
        assert client.incoming_phone_numbers.list() == []
        client.http_client.session.close()

    await asyncio.to_thread(use)


async def test_numbers_are_bought_and_given_back(rest: FakeRest, api: TwilioApi) -> None:
    """A number of the area is bought under a name of ours, found by it, and given back once."""
    rest.for_sale = ["+12125550101", "+14155550101"]
    assert await api.offers("US", "415") == ("+14155550101",)
    assert await api.offers("DE", "") == ()
    bought = await api.buy("+14155550101", "ours", ("https://v.example", "https://s.example"))
    assert await api.named("ours") == bought
    assert await api.named("other") is None
    assert rest.numbers["+14155550101"]["status_callback"] == "https://s.example"
    with pytest.raises(Refused, match="21422"):
        await api.buy("+14155550101", "again", None)
    await api.release(bought.sid)
    assert rest.numbers == {}
    await api.release(bought.sid)
    await api.release("../Calls/x")
    rest.fail(503)
    with pytest.raises(Unavailable):
        await api.release(bought.sid)
