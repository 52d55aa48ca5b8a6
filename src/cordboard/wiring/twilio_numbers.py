"""Numbers at linked accounts, by their REST API: bought, led here, let go, given back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import aiohttp
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from cordboard.bus.port import Bus
from cordboard.control.errors import BadRequest, PurchaseUnknown, QuotaUsedUp, Unavailable
from cordboard.control.services import BoughtNumber
from cordboard.engine.guard import Guard
from cordboard.storage import number_wishes
from cordboard.storage.call_writer import AWAY
from cordboard.storage.number_wishes import BUY, LEAD, LET_GO, RELEASE, Wish
from cordboard.storage.tables import Number
from cordboard.telephony.twilio.api import Account, NumberState, TwilioApi
from cordboard.telephony.twilio.errors import ApiError, Refused, TooMany
from cordboard.telephony.twilio.errors import Unavailable as Away
from cordboard.telephony.twilio.webhooks import Webhooks
from cordboard.wiring.ground import Ground
from cordboard.wiring.twilio_accounts import TwilioAccounts

log = logging.getLogger(__name__)

NUMBERS_CHANGED: Final = "numbers.changed"
LOOK_EVERY_S: Final = 5.0
TRIED_MAX: Final = 3
BUY_S: Final = 45.0
"""So long a purchase may take in all: less than the official client waits for its answer."""

AREA_COUNTRIES: Final = frozenset({"US", "CA"})
ADOPTED: Final = "bought while the server was stopped; nobody answers it yet"


@dataclass(frozen=True, slots=True)
class NumberAccounts:
    """The accounts as the API of their numbers. ``urls`` are where a number's calls are to lead,
    None where the operator, or an address without ``https``, leaves that alone.
    """

    ground: Ground
    accounts: TwilioAccounts
    webhooks: Webhooks

    @asynccontextmanager
    async def api(self, organisation_id: str, connection_id: str) -> AsyncIterator[TwilioApi]:
        """Open the API of an account; raises ``ValueError`` where it has no usable credentials."""
        linked = await self.accounts.by_id(organisation_id, connection_id)
        if linked is None:
            raise ValueError("the account connection is gone, or its token cannot be read")
        account = Account(linked.account_sid, linked.token)
        cookies = aiohttp.DummyCookieJar()
        async with aiohttp.ClientSession(cookie_jar=cookies) as http:
            yield TwilioApi(http, account, self.ground.settings.twilio_base_url)

    def urls(self, number: str) -> tuple[str, str] | None:
        """Return where calls to a number are led."""
        found = self.webhooks.number_urls(number)
        wanted = self.ground.settings.twilio_numbers and found[0].startswith("https:")
        return found if wanted else None


@dataclass(frozen=True, slots=True)
class AccountMarket:
    """``control.services.NumberMarket`` at linked accounts."""

    numbers: NumberAccounts

    async def buy(
        self, organisation_id: str, connection_id: str, purchase_id: str, area_code: str
    ) -> BoughtNumber:
        """Buy the first number that is to be had. Raises ``ControlError``."""
        country = self.numbers.ground.settings.home_country
        if area_code and country not in AREA_COUNTRIES:
            raise BadRequest(
                "area_code: the carrier knows area codes in the US and Canada only, and "
                f"CORDBOARD_HOME_COUNTRY is {country}"
            )
        try:
            async with (
                asyncio.timeout(BUY_S),
                self.numbers.api(organisation_id, connection_id) as api,
            ):
                found = await self._buy(api, country, area_code, bears(purchase_id))
        except ValueError as problem:
            raise BadRequest(f"telephony_account_connection: {problem}") from None
        except TimeoutError:
            raise _unknown() from None
        log.info("number.bought", extra={"number_sid": found.sid})
        return BoughtNumber(found.phone_number, found.sid)

    async def _buy(self, api: TwilioApi, country: str, area_code: str, name: str) -> NumberState:
        try:
            offers = await api.offers(country, area_code)
        except ApiError as problem:
            raise _refused(problem) from None
        if not offers:
            where = f" of the area {area_code}" if area_code else ""
            raise BadRequest(f"The carrier has no free number{where} in {country}")
        last: ApiError | None = None
        for offer in offers[:TRIED_MAX]:
            try:
                return await api.buy(offer, name, self.numbers.urls(offer))
            except Refused as sold_meanwhile:
                last = sold_meanwhile
            except ApiError as failed:
                if failed.maybe_done:
                    return await _looked_up(api, name)
                raise _refused(failed) from None
        assert last is not None
        raise _refused(last)


def bears(purchase_id: str) -> str:
    """Return the friendly name that a purchase's number bears at the carrier."""
    return f"cordboard {purchase_id}"


async def _looked_up(api: TwilioApi, name: str) -> NumberState:
    """Return the number of a purchase whose answer was lost. Raises ``PurchaseUnknown``: one that
    cannot be found yet may still be on its way.
    """
    try:
        found = await api.named(name)
    except ApiError:
        found = None
    if found is None:
        raise _unknown()
    return found


def _unknown() -> PurchaseUnknown:
    return PurchaseUnknown(
        "The carrier did not say whether it sold a number. If it did, the number appears in your "
        "list within minutes; look there before you ask again"
    )


def _refused(problem: ApiError) -> Exception:
    if isinstance(problem, TooMany):
        return QuotaUsedUp("The carrier is asked too often", round(problem.retry_after_s))
    if isinstance(problem, Away):
        return Unavailable(f"The carrier cannot be reached now: {problem}")
    return BadRequest(f"The carrier refuses: {problem}")


class LinkedNumbers:
    """Has accounts asked what is on record, one wish after the other, until it is done. Works
    within ``running``; what fails is logged, shown with the number, and tried again.
    """

    def __init__(self, numbers: NumberAccounts, bus: Bus) -> None:
        self._numbers = numbers
        self._bus = bus
        self._wake = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look for wishes within the block: at once, when told to, and every few seconds."""
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._listen(), name="linked numbers: nudges"),
                group.create_task(self._work_always(), name="linked numbers"),
            ]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()

    async def _listen(self) -> None:
        async with self._bus.subscribe(NUMBERS_CHANGED, max_count=1) as nudges:
            async for _ in nudges:
                self._wake.set()

    async def _work_always(self) -> None:
        while True:
            self._wake.clear()
            with Guard("asking accounts about numbers", self._report):
                while await self.work():
                    pass
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _report(self, where: str, error: BaseException) -> None:
        log.error("number.mistake", extra={"where": where}, exc_info=error)

    async def work(self) -> bool:
        """Do what is due first; False where nothing is."""
        database, clock = self._numbers.ground.database, self._numbers.ground.clock
        try:
            async with database.read() as session:
                if not await number_wishes.is_any_due(session, clock.wall()):
                    return False
            async with database.write() as session:
                taken = await number_wishes.take(session, clock.wall())
            if taken is None:
                return False
            problem = await self._problem(taken)
            async with database.write() as session:
                if problem is None:
                    await number_wishes.done(session, taken.wish_id)
                else:
                    await number_wishes.put_off(session, taken, problem, clock.wall())
        except (*AWAY, SQLAlchemyError):
            log.warning("number.wishes_unreadable")
            return False
        return True

    async def _problem(self, taken: Wish) -> str | None:
        """Do it; return why it could not be done."""
        try:
            async with self._numbers.api(taken.organisation_id, taken.connection_id) as api:
                await self._do(api, taken)
        except (ApiError, ValueError) as problem:
            brief = problem.brief if isinstance(problem, ApiError) else str(problem)
            fields = {"number": taken.number, "number_sid": taken.carrier_sid, "why": brief}
            log.warning(
                "number.not_done",
                extra={**fields, "what": taken.kind, "attempt": taken.attempts_count},
            )
            return str(problem)
        return None

    async def _do(self, api: TwilioApi, taken: Wish) -> None:
        """Raises ``ApiError``, and ``ValueError`` where the account lacks the number."""
        if taken.kind == RELEASE:
            await api.release(taken.carrier_sid)
            log.info("number.given_back", extra={"number_sid": taken.carrier_sid})
        elif taken.kind == BUY:
            await self._look_after(api, taken)
        elif (urls := self._numbers.urls(taken.number)) is not None:
            assert taken.kind in (LEAD, LET_GO)
            number = f"+{taken.number.lstrip('+')}"
            await _lead(api, number, urls, here=taken.kind == LEAD)

    async def _look_after(self, api: TwilioApi, taken: Wish) -> None:
        """Take over the number of a purchase that was cut off, if the carrier sold one."""
        found = await api.named(bears(taken.wish_id))
        fields = {"purchase": taken.wish_id}
        if found is None:
            log.info("number.never_bought", extra=fields)
            return
        text = found.phone_number.lstrip("+")
        ground = self._numbers.ground
        async with ground.database.write() as session:
            mine = Number.organisation_id == taken.organisation_id
            row = (await session.scalars(select(Number).where(mine, Number.number == text))).first()
            if row is None:
                row = Number(
                    id=ground.randomness.uuid(),
                    organisation_id=taken.organisation_id,
                    created_at=ground.clock.wall(),
                    number=text,
                    label=ADOPTED,
                )
                session.add(row)
            if row.carrier_sid != found.sid:
                row.active, row.carrier_sid, row.trunk_id = True, found.sid, None
                row.telephony_provider = "twilio"
                row.telephony_account_connection_id = taken.connection_id
        log.warning("number.taken_over", extra={**fields, "number_sid": found.sid})


async def _lead(api: TwilioApi, number: str, urls: tuple[str, str], *, here: bool) -> None:
    """Set the addresses of a number, or take them away where they are still ours. Raises
    ``ApiError``, and ``ValueError`` where the account has no such number.
    """
    voice_url, status_url = urls
    found = await api.number(number)
    if found is None:
        if here:
            raise ValueError("the account has no such number")
        return
    is_ours = found.voice_url == voice_url
    if here != is_ours:
        await (api.lead(found.sid, voice_url, status_url) if here else api.lead(found.sid, "", ""))
        log.info("number.led", extra={"number": number, "here": here})
