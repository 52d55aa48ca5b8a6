"""The carrier of linked accounts: its webhooks, its media sockets, calls in and out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from urllib.parse import parse_qs

import aiohttp
from starlette.routing import Route

from cordboard.call.events import AnswerJudged
from cordboard.engine.dispatch import Admission, Dispatch
from cordboard.engine.guard import Guard
from cordboard.engine.parts import EngineParts
from cordboard.ports import (
    Direction,
    HandedOver,
    InboundPlan,
    Leg,
    NewCall,
    OpenCall,
    TransferWish,
)
from cordboard.storage.call_store import SqlCallStore, StoreUnavailable
from cordboard.storage.outbound_calls import WantedCall
from cordboard.telephony.media_port import MediaPort
from cordboard.telephony.twilio import twiml
from cordboard.telephony.twilio.api import Account, CallRequest, TwilioApi
from cordboard.telephony.twilio.errors import ApiError
from cordboard.telephony.twilio.leg import LegParts, TwilioLeg
from cordboard.telephony.twilio.outgoing import RING_LIMIT_S, OutgoingTwilioLeg, Placing
from cordboard.telephony.twilio.sockets import MediaSockets
from cordboard.telephony.twilio.webhooks import (
    EMPTY,
    FORBIDDEN,
    Offer,
    Question,
    Reply,
    Webhooks,
    picked_up_by_human,
)
from cordboard.wiring.dialling import Unroutable
from cordboard.wiring.ground import Ground
from cordboard.wiring.inbound import is_refused
from cordboard.wiring.permits import CallPermit, Permits, international
from cordboard.wiring.texts import LinkedTexts
from cordboard.wiring.transfers import split
from cordboard.wiring.twilio_accounts import Linked, TwilioAccounts
from cordboard.wiring.twilio_numbers import NumberAccounts
from cordboard.wiring.twilio_routes import routes
from cordboard.wiring.twilio_transfers import RINGS_S, connect, permit_of, permitted, seen_number

log = logging.getLogger(__name__)

CARRIER: Final = "twilio"
FORGET_AFTER: Final = timedelta(seconds=60)
"""Twilio asks and tells on for a while when a call is over."""

SWEEP_EVERY_S: Final = 5.0
SLACK_MS: Final = 30_000


class TwilioCarrier:
    """Works within ``running``; its ``routes`` belong into the HTTP app, ``media`` on its port.

    Calls come in at ``/twilio/voice/NUMBER``; every request is judged by the token of the account
    that the number is linked to.
    """

    name: Final = CARRIER

    def __init__(
        self,
        ground: Ground,
        engine: EngineParts,
        dispatch: Dispatch,
        store: SqlCallStore,
        permits: Permits,
        public_url: str,
    ) -> None:
        self.media = MediaPort()
        self._ground = ground
        self._engine = engine
        self._dispatch = dispatch
        self._store = store
        self._permits = permits
        self._accounts = TwilioAccounts(ground.database, ground.vault, ground.settings.home_country)
        stream_url = "ws" + public_url.removeprefix("http")
        sockets = MediaSockets(stream_url, engine.clock, ground.randomness)
        sockets.add_routes(self.media.app)
        self._webhooks = Webhooks(public_url, sockets)
        self._legs: dict[TwilioLeg, tuple[datetime | None, CallPermit | None]] = {}
        self._http: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take and place calls within the block."""
        cookies = aiohttp.DummyCookieJar()
        async with aiohttp.ClientSession(cookie_jar=cookies) as http, asyncio.TaskGroup() as group:
            self._http = http
            sweeping = group.create_task(self._sweep_always(), name="legs that are over")
            try:
                yield
            finally:
                sweeping.cancel()

    def numbers(self) -> NumberAccounts:
        """Return the accounts, as what their numbers are bought, led and given back by."""
        return NumberAccounts(self._ground, self._accounts, self._webhooks)

    @property
    def texts(self) -> LinkedTexts:
        """Who sends text messages, within ``running``."""
        country = self._ground.settings.home_country
        return LinkedTexts(self._accounts, self._permits, country, self._api)

    def routes(self) -> list[Route]:
        """Return what belongs into the HTTP app."""

        async def resume(_: str, question: Question) -> Reply:
            return self._webhooks.resumed(question)

        async def status(call_id: str, question: Question) -> Reply:
            reply = self._webhooks.status(question)
            human = picked_up_by_human(question.body)
            if reply is EMPTY and human is not None:
                self._dispatch.post(call_id, AnswerJudged(human))
            return reply

        async def dialled(_: str, question: Question) -> Reply:
            return self._webhooks.dialled(question)

        return routes(self._voice, resume, status, dialled)

    async def place(self, wanted: WantedCall, admission: Admission) -> None:
        """Place a call that was asked for. Raises as the SIP carrier's way of placing does."""
        linked = await self._accounts.of_caller(wanted.organisation_id, wanted.from_number)
        if linked is None:
            raise Unroutable("the number's account connection is gone, or cannot be read")
        permit = await permit_of(self._permits, wanted.organisation_id)
        number = permit.judge(international(wanted.to_number))
        since = self._engine.clock.wall()
        handle = {"connection": linked.connection_id, "to": number, "since": since.isoformat()}
        handle["from"] = international(wanted.from_number)
        leg: OutgoingTwilioLeg | None = None

        def request() -> CallRequest:
            assert leg is not None
            return self._request(wanted, handle, leg, linked)

        async def placed(call_sid: str) -> None:
            with Guard("saving a call's handle", self._engine.report):
                kept = {**handle, "call_sid": call_sid}
                await self._store.save_dialog(wanted.call_id, wanted.call_id, kept)

        api = self._api(linked)
        parts = LegParts(self._engine.clock, self._engine.media_clock, api)
        placing = Placing(
            api=api,
            request=request,
            since=since,
            permit=partial(permitted, permit, number),
            placed=placed,
        )
        leg = OutgoingTwilioLeg(wanted.call_id, parts, placing)
        call = NewCall(
            call_id=wanted.call_id,
            leg_id=wanted.call_id,
            organisation_id=wanted.organisation_id,
            direction=Direction.OUTBOUND,
            from_number=wanted.from_number,
            to_number=wanted.to_number,
            carrier=CARRIER,
            trunk_id=None,
            carrier_handle="",
            dialog=handle,
            plan=replace(wanted.plan, carrier_detects_human=self._detects_machines(wanted)),
            at=since,
        )
        if await self._store.fence(call):
            self._webhooks.add(leg, linked.token)
            self._legs[leg] = None, permit
            self._dispatch.start(admission, call, leg)

    async def transfer(self, call: NewCall, leg: Leg, wish: TransferWish) -> HandedOver:
        """Have the caller connected with ``number``; return once it has answered.

        Where it does not, the call comes back. Raises ``DialFailed``, ``DialForbidden``.
        """
        assert isinstance(leg, TwilioLeg)
        permit = await permit_of(self._permits, call.organisation_id)
        wanted, digits = split(wish.number)
        target = permit.judge(international(wanted))
        await permitted(permit, target)
        seen = await seen_number(self._accounts, self._ground.settings.home_country, call, wish)
        dial = twiml.DialPlan(
            number=target,
            caller_id=international(seen),
            resume_url=self._webhooks.resume_url(leg),
            dialled_url=self._webhooks.dialled_url(leg),
            # The pause of a second is two of half a second there.
            send_digits=digits.replace(",", "ww"),
            timeout_s=wish.rings_s or RINGS_S,
        )
        await connect(leg, dial)
        return HandedOver(lets_go=False)

    async def release(self, call: OpenCall) -> None:
        """Hang up a call that a dead engine left open."""
        handle = {name: str(value) for name, value in call.dialog.items()}
        linked = await self._accounts.by_id(call.organisation_id, handle.get("connection", ""))
        if linked is None:
            log.warning("leg.account_gone", extra={"call": call.call_id})
            return
        await _let_go(self._api(linked), call.call_id, handle)

    async def _voice(self, number: str, question: Question) -> Reply:
        """Answer for whichever account of that number has signed."""
        caller = _caller(question.body)
        for linked in await self._accounts.of_called(number):
            try:
                inbound = await self._store.inbound_plan(
                    linked.connection_id, linked.number, caller
                )
            except StoreUnavailable:
                return Reply(503)
            if inbound is not None and self._webhooks.is_new(question, linked.token):
                inbound = await inbound.whole()
            accept = partial(self._accept, linked, inbound)
            reply = await self._webhooks.offered(question, linked.token, accept)
            if reply is not FORBIDDEN:
                return reply
        return FORBIDDEN

    def _accept(self, linked: Linked, inbound: InboundPlan | None, offer: Offer) -> TwilioLeg | int:
        if inbound is None or offer.account_sid != linked.account_sid:
            return 404
        admission = self._dispatch.admit()
        if not admission.admitted or is_refused(inbound):
            admission.give_back()
            return 503
        engine, call_id = self._engine, self._ground.randomness.uuid()
        parts = LegParts(engine.clock, engine.media_clock, self._api(linked))
        leg = TwilioLeg(self._ground.randomness.uuid(), offer.call_sid, parts)
        call = NewCall(
            call_id=call_id,
            leg_id=leg.leg_id,
            organisation_id=inbound.organisation_id,
            direction=Direction.INBOUND,
            from_number=offer.from_number.lstrip("+") or "anonymous",
            to_number=inbound.number,
            carrier=CARRIER,
            trunk_id=None,
            carrier_handle=offer.call_sid,
            dialog={"connection": linked.connection_id, "call_sid": offer.call_sid},
            plan=inbound.plan,
            at=engine.clock.wall(),
            account_connection_id=linked.connection_id,
        )
        self._legs[leg] = None, None
        self._dispatch.start(admission, call, leg)
        return leg

    def _request(
        self, wanted: WantedCall, handle: dict[str, str], leg: TwilioLeg, linked: Linked
    ) -> CallRequest:
        params = dict(wanted.params)
        seconds = params.pop("Timeout", "")
        timeout_s = int(seconds) if seconds.isdigit() else RING_LIMIT_S
        request = CallRequest(
            to_number=handle["to"],
            from_number=handle["from"],
            document=self._webhooks.document(
                leg, linked.token, for_ms=timeout_s * 1_000 + SLACK_MS
            ),
            status_url=self._webhooks.status_url(leg),
            timeout_s=timeout_s,
            send_digits=params.pop("SendDigits", None),
            params=params,
            detects_machines=self._detects_machines(wanted),
        )
        if left_out := request.left_out():
            names = ", ".join(left_out)
            log.info("leg.params_left_out", extra={"call": wanted.call_id, "names": names})
        return request

    def _detects_machines(self, wanted: WantedCall) -> bool:
        return _detects(wanted, may=self._ground.settings.twilio_machine_detection)

    def _api(self, linked: Linked) -> TwilioApi:
        assert self._http is not None
        account = Account(linked.account_sid, linked.token)
        return TwilioApi(self._http, account, self._ground.settings.twilio_base_url)

    async def _sweep_always(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_EVERY_S)
            self._sweep(self._engine.clock.wall())

    def _sweep(self, now: datetime) -> None:
        """Forget legs that were over a minute ago."""
        for leg, (over_at, permit) in list(self._legs.items()):
            if leg.progress.ended is None:
                continue
            if over_at is None:
                self._legs[leg] = now, permit
                if permit is not None:
                    permit.over(leg.progress.talked_ms(self._engine.clock.now_ms()))
            elif now - over_at > FORGET_AFTER:
                del self._legs[leg]
                self._webhooks.remove(leg.leg_id)


def _detects(wanted: WantedCall, *, may: bool) -> bool:
    hangs_up = may and wanted.plan.on_no_human == "hangup"
    return hangs_up or bool(wanted.params.get("MachineDetection"))


async def _let_go(api: TwilioApi, call_id: str, handle: dict[str, str]) -> None:
    """Hang up whatever a call of ours may be at the carrier."""
    try:
        for call_sid in await _sids(api, handle):
            await api.hang_up(call_sid)
    except ApiError as problem:
        log.warning("leg.hang_up_failed", extra={"call": call_id, "why": problem.brief})


async def _sids(api: TwilioApi, handle: dict[str, str]) -> list[str]:
    """Return the identifiers that a call of ours may have. Raises ``ApiError``."""
    if call_sid := handle.get("call_sid"):
        return [call_sid]
    try:
        since = datetime.fromisoformat(handle["since"])
        found = await api.find(handle["to"], handle["from"], since)
    except (KeyError, ValueError):
        return []
    return [call.sid for call in found if not call.over]


def _caller(body: bytes) -> str:
    """Return who calls, by a form that is not proven yet."""
    try:
        fields = parse_qs(body[:16_384].decode("ascii", "replace"), max_num_fields=200)
    except ValueError:
        return ""
    return fields.get("From", [""])[0]
