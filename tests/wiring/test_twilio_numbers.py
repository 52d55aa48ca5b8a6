"""Numbers at linked accounts: bought once, led here, given back, whatever breaks in between."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from cordboard.bus.memory import MemoryBus
from cordboard.clock import SystemClock
from cordboard.control.app import create_app
from cordboard.control.keys.service import ensure_owner
from cordboard.control.services import ControlServices
from cordboard.settings import Settings
from cordboard.storage.database import migrate
from cordboard.storage.number_wishes import BUYING
from cordboard.storage.vault import MasterKey
from cordboard.telephony.twilio.sockets import MediaSockets
from cordboard.telephony.twilio.webhooks import Webhooks
from cordboard.wiring.ground import Ground
from cordboard.wiring.twilio_accounts import TwilioAccounts
from cordboard.wiring.twilio_numbers import (
    ADOPTED,
    AccountMarket,
    LinkedNumbers,
    NumberAccounts,
)
from tests.control.server import OWNER_KEY, Engine, services_on
from tests.fakes.twilio_rest import ACCOUNT_SID, AUTH_TOKEN, FakeRest

PUBLIC = "https://voice.example.com"
NUMBER = "14155550123"


class Later(SystemClock):
    """The system's clock, moved."""

    by = timedelta()

    def wall(self) -> datetime:
        return super().wall() + self.by


@dataclass
class Place:
    """An API, an account with the carrier, and who asks it; ``work`` does all that is due."""

    http: httpx.AsyncClient
    rest: FakeRest
    worker: LinkedNumbers
    clock: Later
    connection: str

    async def post(self, path: str, status: int = 200, **body: object) -> Any:
        answer = await self.http.post(path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def buy(self, status: int = 200, **body: object) -> Any:
        body["telephony_account_connection"] = self.connection
        return await self.post("/v1/numbers/buy", status, **body)

    async def link(self) -> None:
        there = {"phone_number": NUMBER, "telephony_account_connection": self.connection}
        answer = await self.http.post("/v1/numbers/link", json=there)
        assert answer.status_code == 200, answer.text

    async def work(self, later: timedelta = timedelta()) -> None:
        self.clock.by += later
        while await self.worker.work():
            pass

    async def shown(self, number: str = NUMBER) -> Any:
        return (await self.http.get("/v1/numbers", params={"phone_number": number})).json()

    async def listed(self) -> dict[str, Any]:
        items = (await self.http.get("/v1/numbers/list")).json()["items"]
        return {item["number"]: item for item in items}


@asynccontextmanager
async def _placed(directory: Path, **options: object) -> AsyncIterator[Place]:
    async with FakeRest().running() as rest:
        url = f"sqlite+aiosqlite:///{directory}/cordboard.db"
        await migrate(url)
        clock = Later()
        services = replace(services_on(url, Engine()), clock=clock)
        numbers = _accounts(services, clock, {"twilio_base_url": rest.url, **options})
        services = replace(services, number_market=AccountMarket(numbers))
        await ensure_owner(services, OWNER_KEY)
        worker = LinkedNumbers(numbers, MemoryBus(clock.now_ms))
        transport = httpx.ASGITransport(create_app(services))
        headers = {"Authorization": f"Bearer {OWNER_KEY}"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://here", headers=headers
        ) as http:
            place = Place(http, rest, worker, clock, "")
            credentials = {"twilio_account_sid": ACCOUNT_SID, "twilio_auth_token": AUTH_TOKEN}
            made = await place.post(
                "/v1/account_connections/create",
                type="account_connection_twilio",
                credentials=credentials,
            )
            place.connection = made["id"]
            yield place
        await services.database.close()


def _accounts(
    services: ControlServices, clock: Later, options: dict[str, object]
) -> NumberAccounts:
    texts = {f"CORDBOARD_{name.upper()}": str(value) for name, value in options.items()}
    ground = Ground(
        settings=Settings.from_environment(texts, {}),
        clock=clock,
        randomness=services.randomness,  # type: ignore[arg-type]
        key=MasterKey(bytes(range(32))),
        vault=services.vault,
        database=services.database,
        engine_id="e",
    )
    accounts = TwilioAccounts(ground.database, ground.vault, "US")
    sockets = MediaSockets("wss://voice.example.com", clock, ground.randomness)
    return NumberAccounts(ground, accounts, Webhooks(PUBLIC, sockets))


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """Return a place where two numbers of area 415 and one of 212 are for sale."""
    async with _placed(tmp_path) as made:
        made.rest.for_sale = ["+12125550123", f"+{NUMBER}", "+14155550124"]
        yield made


async def test_bought_and_given_back(place: Place) -> None:
    """A number of the area is bought, led here at once, and given back when it is given up."""
    bought = await place.buy(area_code="415")
    assert (bought["number"], bought["telephony_provider"]) == (NUMBER, "twilio")
    assert bought["telephony_account_connection"]["id"] == place.connection
    assert bought["inbound_agent"]["prompt"]["content"]
    owned = place.rest.numbers[f"+{NUMBER}"]
    assert owned["voice_url"] == f"{PUBLIC}/twilio/voice/{NUMBER}"
    assert owned["status_callback"]
    await place.work(BUYING * 2)
    assert list(await place.listed()) == [NUMBER]
    gone = await place.http.post("/v1/numbers/cancel", params={"phone_number": NUMBER})
    assert gone.json()["active"] is False
    assert place.rest.numbers
    place.rest.fail(500)
    await place.work()
    assert "500" in (await place.shown())["carrier_problem"]
    await place.work(timedelta(seconds=6))
    assert not place.rest.numbers
    assert (await place.shown())["carrier_problem"] is None


async def test_refused_before_it_is_paid(place: Place) -> None:
    """What is wrong with the request is told before anything is bought, and leaves nothing."""
    asked = place.rest.requests
    await place.buy(422, inbound_agent="nobody")
    await place.buy(404, inbound_flow="88a79ab6-6e87-4706-93db-74e842a287d2")
    assert place.rest.requests == asked
    await place.work(BUYING * 2)
    assert (await place.listed(), place.rest.numbers) == ({}, {})
    agents = (await place.http.get("/v1/agents/list")).json()
    assert agents["total"] == 0


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [(401, 20003, 400), (400, 21452, 400), (429, 20429, 429)],
)
async def test_refusals_are_named(place: Place, status: int, code: int, expected: int) -> None:
    """What the carrier refuses is told with its own number; nothing stays on record."""
    place.rest.fail(status, code, retry_after="7")
    told = await place.buy(expected)
    assert str(code) in told["detail"] or expected == 429
    none = await place.buy(400, area_code="999")
    assert "no free number of the area 999" in none["detail"]
    asked = place.rest.requests
    await place.work(BUYING * 2)
    assert (place.rest.requests, place.rest.numbers) == (asked, {})


async def test_sold_meanwhile(place: Place) -> None:
    """A number that somebody else took in between is passed over."""
    place.rest.sold_meanwhile = [f"+{NUMBER}"]
    assert (await place.buy(area_code="415"))["number"] == "14155550124"


async def test_a_lost_answer_is_looked_up(place: Place) -> None:
    """Where the answer to a purchase is lost, the number is found by the name it bears."""
    place.rest.lose_answers = 1
    assert (await place.buy(area_code="415"))["number"] == NUMBER
    assert len(place.rest.numbers) == 1


async def test_cut_off_between_buying_and_storing(place: Place) -> None:
    """A number that was paid for is taken over when nobody could store it: once, and not lost."""
    place.rest.lose_answers = 1
    place.rest.break_lookups = 1
    told = await place.buy(503, area_code="415")
    assert "appears in your list" in told["detail"]
    await place.work()
    assert await place.listed() == {}
    await place.work(BUYING)
    await place.work(BUYING)
    ((number, row),) = (await place.listed()).items()
    assert (number, row["active"], row["label"]) == (NUMBER, True, ADOPTED)
    assert row["inbound_agent"] is None
    await place.http.post("/v1/numbers/cancel", params={"phone_number": NUMBER})
    await place.work()
    assert not place.rest.numbers


async def test_cut_off_before_buying(place: Place) -> None:
    """A purchase that never reached the carrier comes to nothing."""
    place.rest.fail(500)
    place.rest.fail(500)
    place.rest.trouble.appendleft(None)
    await place.buy(503)
    await place.work(BUYING)
    assert (await place.listed(), place.rest.numbers) == ({}, {})


async def test_linking_survives_a_crash(place: Place) -> None:
    """A number linked while nobody could ask the account is led here later, however long it takes,
    and the reason is shown meanwhile.
    """
    owned = place.rest.owns(f"+{NUMBER}")
    await place.link()
    for wait_s in (0, 6, 11, 21):
        place.rest.fail(503)
        await place.work(timedelta(seconds=wait_s))
        assert owned["voice_url"] == ""
    assert "503" in (await place.shown())["carrier_problem"]
    await place.work(timedelta(seconds=41))
    assert owned["voice_url"] == f"{PUBLIC}/twilio/voice/{NUMBER}"
    assert (await place.shown())["carrier_problem"] is None
    await place.http.post("/v1/numbers/cancel", params={"phone_number": NUMBER})
    await place.work()
    assert (owned["voice_url"], list(place.rest.numbers)) == ("", [f"+{NUMBER}"])


async def test_outbound_only(place: Place) -> None:
    """A number that is to call out only is led here no longer, and again when that is over."""
    owned = place.rest.owns(f"+{NUMBER}")
    await place.link()
    for outbound_only in (False, True, True, False):
        body = {"outbound_only": outbound_only, "label": "l"}
        at = {"phone_number": NUMBER}
        assert (await place.http.post("/v1/numbers/update", params=at, json=body)).is_success
        await place.work()
        assert bool(owned["voice_url"]) is not outbound_only


async def test_the_last_wish_counts(place: Place) -> None:
    """Linked and given up before anybody asked: the account is asked for what holds now alone."""
    place.rest.owns(f"+{NUMBER}")
    await place.link()
    await place.http.post("/v1/numbers/cancel", params={"phone_number": NUMBER})
    await place.link()
    asked = place.rest.requests
    await place.work()
    assert place.rest.requests == asked + 2
    assert place.rest.numbers[f"+{NUMBER}"]["voice_url"]


async def test_numbers_led_by_hand(tmp_path: Path) -> None:
    """With the setting off nothing is led here, and what is bought can be bought and given back."""
    async with _placed(tmp_path, twilio_numbers="off") as place:
        place.rest.for_sale = [f"+{NUMBER}"]
        await place.buy()
        assert place.rest.numbers[f"+{NUMBER}"]["voice_url"] == ""
        await place.http.post("/v1/numbers/cancel", params={"phone_number": NUMBER})
        await place.work()
        assert not place.rest.numbers


async def test_areas_of_other_countries(tmp_path: Path) -> None:
    """The carrier knows area codes in North America; elsewhere the refusal says so."""
    async with _placed(tmp_path, home_country="DE") as place:
        told = await place.buy(400, area_code="30")
        assert "CORDBOARD_HOME_COUNTRY is DE" in told["detail"]
