"""Leads the calls of linked numbers here by the account's REST API, and lets them go again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import aiohttp

from cordboard.bus.port import Bus, Message
from cordboard.engine.guard import Guard
from cordboard.telephony.twilio.api import Account, TwilioApi
from cordboard.telephony.twilio.errors import ApiError
from cordboard.telephony.twilio.webhooks import Webhooks
from cordboard.wiring.ground import Ground
from cordboard.wiring.twilio_accounts import TwilioAccounts

log = logging.getLogger(__name__)

NUMBER_LINKED: Final = "numbers.linked"
WAITING_MAX: Final = 100


class LinkedNumbers:
    """Works within ``running``, one number after the other. What fails is logged, with what to do
    by hand: a call that comes in needs nothing but the address.
    """

    def __init__(
        self, ground: Ground, bus: Bus, accounts: TwilioAccounts, webhooks: Webhooks
    ) -> None:
        self._ground = ground
        self._bus = bus
        self._accounts = accounts
        self._webhooks = webhooks

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take numbers within the block."""
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(self._listen(), name="linked numbers")
            try:
                yield
            finally:
                listening.cancel()

    async def _listen(self) -> None:
        async with self._bus.subscribe(NUMBER_LINKED, max_count=WAITING_MAX) as numbers:
            async for delivery in numbers:
                with Guard("leading a number here", self._report):
                    await self._take(delivery.message)

    def _report(self, where: str, error: BaseException) -> None:
        log.error("number.mistake", extra={"where": where}, exc_info=error)

    async def _take(self, message: Message) -> None:
        number = str(message["number"])
        urls = self._webhooks.number_urls(number)
        linked = await self._accounts.by_id(
            str(message["organisation_id"]), str(message["connection_id"])
        )
        wanted = self._ground.settings.twilio_numbers and urls[0].startswith("https:")
        if linked is None or not wanted:
            return
        cookies = aiohttp.DummyCookieJar()
        try:
            account = Account(linked.account_sid, linked.token)
            async with aiohttp.ClientSession(cookie_jar=cookies) as http:
                api = TwilioApi(http, account, self._ground.settings.twilio_base_url)
                await _lead(api, f"+{number.lstrip('+')}", urls, here=bool(message["linked"]))
        except (ApiError, ValueError) as problem:
            why = problem.brief if isinstance(problem, ApiError) else str(problem)
            fields = {"number": number, "why": why, "voice_url": urls[0]}
            log.warning("number.not_led", extra=fields)


async def _lead(api: TwilioApi, number: str, urls: tuple[str, str], *, here: bool) -> None:
    """Set the addresses of a number, or take them away where they are still ours. Raises
    ``ApiError``.
    """
    voice_url, status_url = urls
    found = await api.number(number)
    if found is None:
        log.warning("number.not_in_account", extra={"number": number, "voice_url": voice_url})
        return
    is_ours = found.voice_url == voice_url
    if here != is_ours:
        await (api.lead(found.sid, voice_url, status_url) if here else api.lead(found.sid, "", ""))
        log.info("number.led", extra={"number": number, "here": here})
