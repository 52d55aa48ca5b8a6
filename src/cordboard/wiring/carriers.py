"""The SIP carrier of a process: socket, trunks, RTP ports, inbound calls."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from cordboard.bus.port import Bus, Message, Refused
from cordboard.engine.dispatch import Dispatch
from cordboard.engine.parts import EngineParts
from cordboard.ids import Randomness
from cordboard.ports import OpenCall
from cordboard.sip.config import UserAgentConfig
from cordboard.sip.digest import STRONG, WEAK, DigestServer
from cordboard.storage.call_store import SqlCallStore
from cordboard.storage.call_writer import AWAY
from cordboard.storage.outbound_calls import OutboundLimits
from cordboard.storage.secrets import secret_in
from cordboard.storage.tables import SipTrunk
from cordboard.storage.vault import SecretUnreadable
from cordboard.telephony.sip.endpoint import SipEndpoint
from cordboard.telephony.sip.location import Locator, NameService
from cordboard.telephony.sip.ports import PortRange
from cordboard.telephony.sip.stream import RtpHost
from cordboard.telephony.sip.trunks import Trunk, TrunkGate
from cordboard.wiring.dialling import Dialling
from cordboard.wiring.ground import Ground
from cordboard.wiring.inbound import InboundCalls
from cordboard.wiring.outbound import OutboundCalls, OutboundParts, Outwards
from cordboard.wiring.providers import Providers
from cordboard.wiring.reach import TrunkReach
from cordboard.wiring.recovery import Releaser
from cordboard.wiring.registrations import TrunkRegistrations
from cordboard.wiring.transfers import SipTransfers

log = logging.getLogger(__name__)

TRUNKS_EVERY_S = 1.0
TRUNKS_CHANGED = "trunks.changed"
"""A request of this name is answered when the trunks in the database are those that count."""


class SipCarrier:
    """Use as ``async with``: the socket is open inside, trunks are followed as they change."""

    def __init__(
        self,
        ground: Ground,
        engine: EngineParts,
        dispatch: Dispatch,
        providers: Providers,
        store: SqlCallStore,
        bus: Bus,
        outwards: Outwards,
    ) -> None:
        self.port = 0
        self._ground = ground
        self._bus = bus
        self._loading = asyncio.Lock()
        settings, randomness = ground.settings, ground.randomness
        self._stack = AsyncExitStack()
        digest = DigestServer("cordboard", randomness.random_bytes(32), randomness.token)
        self._gate = TrunkGate(digest)
        first, last = settings.rtp_port_min, settings.rtp_port_max
        host = RtpHost(
            settings.rtp_host,
            settings.public_rtp_address or reachable_address(settings.rtp_host),
            PortRange(first, last),
            engine.clock,
            engine.media_clock,
            randomness,
            self._reach.sound,
        )
        self._calls = InboundCalls(
            host, engine.store, dispatch, providers.preference, engine.report
        )
        self._endpoint = SipEndpoint(
            self._user_agent, engine.clock, randomness.token, self._calls.offered
        )
        locator = Locator(NameService(), engine.clock, _below(randomness))
        self._registrations = TrunkRegistrations(self._endpoint, ground.vault, locator, self._reach)
        self._placing = self._outbound(
            host, locator, engine, dispatch, providers, store, bus, outwards
        )

    async def __aenter__(self) -> SipCarrier:
        await self._load_trunks()
        stack = self._stack
        await stack.__aenter__()
        await stack.enter_async_context(self._calls)
        self._calls.connect(self._endpoint)
        host, port = self._ground.settings.sip_host, self._ground.settings.sip_port
        try:
            _, self.port = await self._endpoint.start(host, port)
        except OSError as problem:
            # uvloop keeps the reason in the cause.
            why = getattr(problem.__cause__ or problem, "strerror", None) or problem
            raise OSError(f"CORDBOARD_SIP_PORT (--sip-port): {host}:{port}: {why}") from problem
        stack.push_async_callback(self._endpoint.stop)
        stack.push_async_callback(self._registrations.leave)
        await stack.enter_async_context(self._placing.running())
        await stack.enter_async_context(self._bus.serve(TRUNKS_CHANGED, self._trunks_changed))
        group = await stack.enter_async_context(asyncio.TaskGroup())
        following = group.create_task(self._follow_trunks(), name="trunks")
        stack.callback(following.cancel)
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._stack.aclose()

    @property
    def transfers(self) -> SipTransfers:
        """Who places the second leg of a transfer."""
        return SipTransfers(self._placing.parts, self._endpoint)

    async def release(self, call: OpenCall) -> None:
        """End the leg of a call that a dead engine left open."""
        await Releaser(self._endpoint).release(call)

    def _outbound(
        self,
        host: RtpHost,
        locator: Locator,
        engine: EngineParts,
        dispatch: Dispatch,
        providers: Providers,
        store: SqlCallStore,
        bus: Bus,
        outwards: Outwards,
    ) -> OutboundCalls:
        ground, settings = self._ground, self._ground.settings
        dialling = Dialling(
            database=ground.database,
            vault=ground.vault,
            permits=outwards.permits,
            locator=locator,
            reach=self._reach,
            home_country=settings.home_country,
            sender_host=lambda: f"{self._address}:{self.port}",
            new_token=ground.randomness.token,
        )
        parts = OutboundParts(
            host=host,
            store=store,
            database=ground.database,
            dispatch=dispatch,
            dialling=dialling,
            preference=providers.preference,
            report=engine.report,
            bus=bus,
            limits=OutboundLimits(
                per_organisation_count=settings.calls_out_max_count,
                per_number_count=settings.calls_out_per_number_max_count,
            ),
            most_calls=settings.calls_max_count,
            others=outwards.others,
        )
        return OutboundCalls(parts, self._endpoint)

    @property
    def _reach(self) -> TrunkReach:
        return TrunkReach(self._ground.settings.open_networks)

    @property
    def _address(self) -> str:
        """The address that peers are told for signalling."""
        settings = self._ground.settings
        return settings.public_sip_address or reachable_address(settings.sip_host)

    def _user_agent(self, port: int) -> UserAgentConfig:
        return UserAgentConfig(
            (self._address, port),
            accepts_source=self._gate.accepts_source,
            authorise=self._gate.authorise,
            is_peer=self._gate.is_peer,
        )

    async def _follow_trunks(self) -> None:
        while True:
            await asyncio.sleep(TRUNKS_EVERY_S)
            try:
                await self._load_trunks()
            except (*AWAY, SQLAlchemyError):
                log.warning("sip.trunks_unreadable")

    async def _trunks_changed(self, _: str, __: Message) -> Message:
        try:
            await self._load_trunks()
        except (*AWAY, SQLAlchemyError):
            raise Refused("the database cannot be read") from None
        return {}

    async def _load_trunks(self) -> None:
        async with self._loading:
            async with self._ground.database.read() as session:
                rows = (await session.scalars(select(SipTrunk))).all()
            # Before registering, which may wait for a name server.
            self._gate.replace([self._trunk(row) for row in rows])
            if self.port:
                await self._registrations.follow(rows)
                self._gate.replace([self._trunk(row) for row in rows])

    def _trunk(self, row: SipTrunk) -> Trunk:
        try:
            password = secret_in(self._ground.vault, row, "password")
        except SecretUnreadable:
            password = None
        user = row.fields.get("user")
        return Trunk(
            row.id,
            row.organisation_id,
            (
                *(ipaddress.ip_network(text) for text in row.fields.get("networks") or ()),
                *self._registrations.networks(row.id),
            ),
            str(user) if user and password else None,
            password,
            WEAK if row.fields.get("digest") == "md5" else STRONG,
        )


def _below(randomness: Randomness) -> Callable[[int], int]:
    """Return what draws a number from 0 up to, not with, its argument."""
    return lambda end: randomness.bits(32) % end


def reachable_address(bound: str) -> str:
    """Return the address that peers are told where we listen on ``bound``: itself, unless it is
    any.
    """
    if not ipaddress.ip_address(bound).is_unspecified:
        return bound
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Sends nothing: connecting a datagram socket only asks for the route.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
