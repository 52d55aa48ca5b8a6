"""Short real requests to every vendor and carrier that is configured, for ``cordboard doctor``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import aiohttp
from sqlalchemy import select

from cordboard.call.commands import Message
from cordboard.call.expectation import ANYTHING
from cordboard.call.plan import LanguageModelPlan, TranscriberPlan, VoicePlan
from cordboard.clock import SystemClock
from cordboard.ids import Randomness
from cordboard.media.codec import PCMU
from cordboard.ports import LanguageModel, ProviderError, ReplyRequest, Synthesizer, Transcriber
from cordboard.settings import PREFIX, Settings
from cordboard.storage.database import Database
from cordboard.storage.tables import AccountConnection
from cordboard.storage.trunk_rows import StoredTrunk, all_trunks
from cordboard.storage.vault import Vault
from cordboard.telephony.sip.ping import NoAnswer, ping
from cordboard.telephony.twilio.api import Account, TwilioApi
from cordboard.telephony.twilio.errors import ApiError
from cordboard.wiring.providers import CHAT, HEARING_VENDOR, VOICE_VENDOR, Providers
from cordboard.wiring.reach import TrunkReach
from cordboard.wiring.twilio_accounts import TYPE, TwilioAccounts

TRY_S: Final = 10.0
MOST_CARRIERS: Final = 50


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one try. ``level`` is ``ok``, ``warning`` or ``problem``."""

    level: str
    text: str


@dataclass(frozen=True, slots=True)
class _Vendor:
    name: str
    variable: str
    account: str


_VENDORS: Final = {
    CHAT: _Vendor("chat model", PREFIX + "OPENAI", "https://platform.openai.com/api-keys"),
    HEARING_VENDOR: _Vendor("Deepgram", PREFIX + "DEEPGRAM", "https://console.deepgram.com"),
    VOICE_VENDOR: _Vendor(
        "ElevenLabs", PREFIX + "ELEVENLABS", "https://elevenlabs.io/app/settings/api-keys"
    ),
}


async def check_vendors(providers: Providers) -> list[Verdict]:
    """Ask each configured vendor for something small; all at the same time."""
    tries: list[Awaitable[Verdict]] = []
    model = providers.language_models.by_name.get(CHAT)
    if model is not None:
        tries.append(_try(_VENDORS[CHAT], lambda: _answers(model)))
    ears = providers.transcribers.by_name.get(HEARING_VENDOR)
    if ears is not None:
        tries.append(_try(_VENDORS[HEARING_VENDOR], lambda: _listens(ears)))
    voice = providers.synthesizers.by_name.get(VOICE_VENDOR)
    if voice is not None:
        tries.append(_try(_VENDORS[VOICE_VENDOR], lambda: _speaks(voice)))
    return list(await asyncio.gather(*tries))


async def check_carriers(settings: Settings, database: Database, vault: Vault) -> list[Verdict]:
    """Send OPTIONS to each trunk that calls go out by, and ask each linked account about itself;
    at most 50 of either.
    """
    chance, reach = Randomness.system(), TrunkReach(settings.open_networks)
    async with database.read() as session:
        trunks = [trunk for trunk in await all_trunks(session, vault) if trunk.target]
        rows = select(AccountConnection).where(AccountConnection.type == TYPE)
        accounts = (await session.scalars(rows.limit(MOST_CARRIERS))).all()
    known = TwilioAccounts(database, vault, settings.home_country)
    async with aiohttp.ClientSession(trust_env=False) as http:
        tries: list[Awaitable[Verdict]] = [
            _reaches(trunk, reach, chance.uuid().replace("-", ""))
            for trunk in trunks[:MOST_CARRIERS]
        ]
        base_url = settings.twilio_base_url
        tries += [_account(http, base_url, known, row.organisation_id, row.id) for row in accounts]
        return list(await asyncio.gather(*tries))


async def _try(vendor: _Vendor, ask: Callable[[], Awaitable[None]]) -> Verdict:
    clock = SystemClock()
    begun_ms = clock.now_ms()
    try:
        async with asyncio.timeout(TRY_S):
            await ask()
    except ProviderError as error:
        return Verdict("problem", f"{vendor.name}: {_advice(vendor, error.failure)}")
    except TimeoutError:
        return Verdict("problem", f"{vendor.name}: {_advice(vendor, 'timeout')}")
    return Verdict("ok", f"{vendor.name} answers, after {clock.now_ms() - begun_ms} ms")


def _advice(vendor: _Vendor, failure: str) -> str:
    where, variable = vendor.account, vendor.variable
    match failure:
        case "bad_credentials":
            return f"its key is refused; make one at {where} and set {variable}_API_KEY"
        case "over_quota":
            return f"the account is over its quota or asks too often; see {where}"
        case "rejected":
            return f"it refuses the request; see that {variable}_MODEL (and the voice) exists there"
        case "bad_answer":
            return f"it answers something else; see that {variable}_BASE_URL is the right address"
    return f"it does not answer; see {variable}_BASE_URL and the way out of this machine"


async def _answers(model: LanguageModel) -> None:
    request = ReplyRequest(
        call_id="doctor",
        reply_id="doctor",
        plan=LanguageModelPlan(),
        prompt="Answer with one word.",
        language="en",
        actions=(),
        messages=(Message("caller", "Hello"),),
        expectation=ANYTHING,
        now=SystemClock().wall(),
    )
    await _first(model.reply(request))


async def _listens(ears: Transcriber) -> None:
    stream = await ears.open(TranscriberPlan(), PCMU, "en", lambda _: None)
    await stream.close()


async def _speaks(voice: Synthesizer) -> None:
    await _first(voice.speak("Hello.", VoicePlan(), "en", PCMU))


async def _first(pieces: AsyncIterator[object]) -> None:
    """Take one piece and close the stream."""
    try:
        if await anext(pieces, None) is None:
            raise ProviderError("bad_answer")
    finally:
        close = getattr(pieces, "aclose", None)
        if close is not None:
            await close()


async def _reaches(trunk: StoredTrunk, reach: TrunkReach, tag: str) -> Verdict:
    name, target = trunk.name, trunk.target or ""
    try:
        status = await ping(target, tag, permits=reach.judge(trunk.by_operator))
    except NoAnswer as problem:
        text = f"trunk {name!r} at {target}: {problem}; see its target, and the firewall for UDP"
        return Verdict("problem", text)
    return Verdict("ok", f"trunk {name!r} at {target} answers OPTIONS with {status}")


async def _account(
    http: aiohttp.ClientSession,
    base_url: str,
    known: TwilioAccounts,
    organisation_id: str,
    connection_id: str,
) -> Verdict:
    name = f"account connection {connection_id}"
    linked = await known.by_id(organisation_id, connection_id)
    if linked is None:
        return Verdict("problem", f"{name}: its token cannot be read; store it again")
    try:
        api = TwilioApi(http, Account(linked.account_sid, linked.token), base_url)
        async with asyncio.timeout(TRY_S):
            await api.find("+12025550100", "+12025550101", SystemClock().wall())
    except (ApiError, TimeoutError, ValueError) as problem:
        text = f"{name}: {type(problem).__name__}; compare sid and token with the carrier's console"
        return Verdict("problem", text)
    return Verdict("ok", f"{name} is accepted by its carrier")
