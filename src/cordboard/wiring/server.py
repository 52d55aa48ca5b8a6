"""One server process, from settings to the last goodbye."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial

from cordboard.bus.memory import MemoryBus
from cordboard.call.agent import AgentOperator
from cordboard.call.flow.operator import FlowOperator
from cordboard.call.machine import Call
from cordboard.clock import SystemClock
from cordboard.control.app import create_app
from cordboard.control.keys.service import ensure_owner
from cordboard.egress import Egress, EgressPolicy
from cordboard.engine.brain import Brain
from cordboard.engine.clock import Lateness, MediaClock
from cordboard.engine.dispatch import Dispatch, DispatchParts
from cordboard.engine.parts import EngineParts
from cordboard.flow_apps.voices import Voices
from cordboard.ids import Randomness
from cordboard.ports import NewCall, OpenCall
from cordboard.settings import SettingError, Settings
from cordboard.storage.call_store import SqlCallStore
from cordboard.storage.database import Database, migrate
from cordboard.storage.inbound_plans import InboundPlans
from cordboard.storage.master_keys import settle_master_key
from cordboard.storage.recordings import DirectoryRecordings, recover
from cordboard.storage.sealed_file import FileKeys
from cordboard.storage.usage import MonthlyMinutes
from cordboard.storage.vault import Vault
from cordboard.wiring.actions import SignedActions
from cordboard.wiring.context_endpoints import ContextEndpoints
from cordboard.wiring.control import control_services
from cordboard.wiring.delivery import delivery_worker
from cordboard.wiring.exchange import CallParts, open_exchange
from cordboard.wiring.flow_apps import FlowAppLines, StoredTokens
from cordboard.wiring.ground import Ground
from cordboard.wiring.http import HttpPort, bound
from cordboard.wiring.lock import DirectoryLock
from cordboard.wiring.options import egress_policy, plan_options
from cordboard.wiring.providers import Providers, build_providers
from cordboard.wiring.signals import StopSignals
from cordboard.wiring.stored_keys import StoredKeys
from cordboard.wiring.texts import Texts
from cordboard.wiring.transfers import Transfers
from cordboard.wiring.twilio_numbers import AccountMarket

log = logging.getLogger(__name__)

RECOVER_EVERY_S = 5.0

MEDIA_PHASES = 4
"""Legs are served in four groups, 5 ms apart: at 100 calls, a pass takes 2 ms instead of 9."""

BuildProviders = Callable[[Settings, AsyncExitStack], Awaitable[Providers]]


class Server:
    """A running server: its ports, how to end it, what its calls share. Made by ``running``."""

    def __init__(
        self,
        http_port: int,
        sip_port: int,
        dispatch: Dispatch,
        owner_key: str | None,
        engine: EngineParts,
        lateness: Lateness,
    ) -> None:
        self.http_port = http_port
        self.sip_port = sip_port
        self.owner_key = owner_key
        self.dispatch = dispatch
        self.engine = engine
        self.lateness = lateness


@asynccontextmanager
async def running(settings: Settings, build: BuildProviders | None = None) -> AsyncIterator[Server]:
    """Run a server within the block; ``SettingError`` or ``OSError`` when it cannot start.

    ``build`` makes the providers: benchmarks and tests bring their own, the command line has no
    switch for it.
    """
    if not settings.roles >= {"api", "engine"}:
        raise SettingError(
            "CORDBOARD_ROLES (--roles) must hold both api and engine, which cannot run apart yet, "
            "or work alone"
        )
    async with AsyncExitStack() as stack:
        ground = await _ground(settings, stack)
        providers = await (build or _with_keys(ground))(settings, stack)
        policy = egress_policy(settings)
        egress = Egress(policy)
        stack.push_async_callback(egress.close)
        store = await stack.enter_async_context(_store(ground, egress))
        recordings = await stack.enter_async_context(await _recordings(ground))
        transfers, texts = Transfers(), Texts()
        engine = _engine(ground, providers, store, recordings, egress, transfers)
        apps = await stack.enter_async_context(_apps(ground, policy, providers))
        engine = replace(engine, apps=apps, texts=texts)
        dispatch = Dispatch(
            DispatchParts(engine, lambda call: _brain(call, providers), settings.calls_max_count)
        )
        ticking = await stack.enter_async_context(asyncio.TaskGroup())
        _run_always(stack, ticking, engine.media_clock.run(), "media clock")
        await stack.enter_async_context(dispatch)
        bus = MemoryBus(ground.clock.now_ms)
        listening, http_port, public_url = _listening(settings, stack)
        calls = CallParts(engine, dispatch, providers, store, bus, transfers, texts)
        exchange = await open_exchange(ground, calls, public_url, stack)
        recover_calls = partial(
            dispatch.recover, ground.engine_id, exchange.release, partial(_is_recorded, recordings)
        )
        await recover_calls()
        _run_always(stack, ticking, _recover_always(recover_calls), "recovery")
        market = AccountMarket(exchange.linked.numbers())
        services = control_services(ground, policy, dispatch, recordings, store, bus, market)
        owner_key = await ensure_owner(services, settings.bootstrap_key)
        app = create_app(services)
        app.router.routes.extend(exchange.linked.routes())
        sockets = await stack.enter_async_context(exchange.linked.media.open())
        port = HttpPort(app, listening, sockets, settings.trusted_proxies)
        await stack.enter_async_context(port.open())
        if "work" in settings.roles:
            worker = delivery_worker(ground, egress, public_url)
            await stack.enter_async_context(worker.running())
        if providers.missing is None:
            dispatch.ready = True
        else:
            log.warning("server.cannot_take_calls", extra={"why": providers.missing})
        lateness = engine.media_clock.lateness
        yield Server(http_port, exchange.sip.port, dispatch, owner_key, engine, lateness)


async def serve(settings: Settings, build: BuildProviders | None = None) -> None:
    """Run until a signal comes; drain, then return. A second signal ends the wait."""
    signals = StopSignals()
    async with running(settings, build) as server:
        set_aside_start()
        _announce(server, settings)
        await signals.stop.wait()
        log.info("server.draining", extra={"calls": server.dispatch.running_count})
        async with asyncio.TaskGroup() as group:
            draining = group.create_task(server.dispatch.drain(settings.drain_seconds))
            hurrying = group.create_task(_hurry(signals.hurry, server.dispatch))
            await draining
            hurrying.cancel()


def set_aside_start() -> None:
    """Take all that the start has made out of garbage collection, once, when a process is up.

    A full collection then looks at what calls have made only; with the modules and the API's
    schemas in it, it would stop every call for 100 ms.
    """
    gc.collect()
    gc.freeze()


async def _hurry(hurry: asyncio.Event, dispatch: Dispatch) -> None:
    await hurry.wait()
    await dispatch.drain(0)


def _listening(settings: Settings, stack: AsyncExitStack) -> tuple[socket.socket, int, str]:
    """Bind the HTTP port; return it with its number, and where others reach it."""
    listening = bound(settings.http_host, settings.http_port)
    stack.callback(listening.close)
    port = int(listening.getsockname()[1])
    return listening, port, settings.public_url.format(http_port=port).rstrip("/")


def _run_always(
    stack: AsyncExitStack,
    group: asyncio.TaskGroup,
    work: Coroutine[None, None, None],
    name: str,
) -> None:
    """Run something that has no end by itself until ``stack`` is left."""
    stack.callback(group.create_task(work, name=name).cancel)


async def _ground(settings: Settings, stack: AsyncExitStack) -> Ground:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    lock = stack.enter_context(DirectoryLock(settings.data_dir))
    clock, randomness = SystemClock(), Randomness.system()
    await migrate(settings.database_url)
    database = Database(settings.database_url)
    stack.push_async_callback(database.close)
    key = await settle_master_key(
        settings.data_dir, settings.master_key, database, clock, randomness
    )
    return Ground(
        settings=settings,
        clock=clock,
        randomness=randomness,
        key=key,
        vault=Vault(key, randomness.random_bytes),
        database=database,
        engine_id=lock.engine_id,
    )


async def _recordings(ground: Ground) -> DirectoryRecordings:
    """Return where calls are recorded; what a crash has left there is finished first."""
    root = ground.settings.data_dir / "recordings"
    keys = FileKeys.of(ground.key, ground.randomness.random_bytes)
    await asyncio.to_thread(recover, root, keys)
    return DirectoryRecordings(root, keys, ground.clock)


def _with_keys(ground: Ground) -> BuildProviders:
    keys = StoredKeys(ground.database, ground.vault, ground.clock.now_ms)
    return partial(build_providers, keys=keys)


def _store(ground: Ground, egress: Egress) -> SqlCallStore:
    endpoints = ContextEndpoints(egress, ground.clock.now_ms, ground.settings.context_wait_ms)
    inbound = InboundPlans(
        clock=ground.clock,
        home_country=ground.settings.home_country,
        options=plan_options(ground.settings),
        ask=endpoints.ask,
        minutes=MonthlyMinutes(ground.clock, ground.settings.monthly_minutes_max),
    )
    return SqlCallStore(
        ground.database,
        ground.engine_id,
        ground.clock,
        find_plan=inbound.find,
        show_agent=inbound.show,
    )


def _engine(
    ground: Ground,
    providers: Providers,
    store: SqlCallStore,
    recordings: DirectoryRecordings,
    egress: Egress,
    transfers: Transfers,
) -> EngineParts:
    media_clock = MediaClock(ground.clock, report, MEDIA_PHASES)
    if providers.voice_activity is not None:
        media_clock.set_batch(providers.voice_activity.run)
    return EngineParts(
        clock=ground.clock,
        media_clock=media_clock,
        store=store,
        transcribers=providers.transcribers,
        synthesizers=providers.synthesizers,
        language_models=providers.language_models,
        action_runner=SignedActions(egress, ground.clock, ground.database, ground.vault),
        phrases=providers.phrases,
        report=report,
        recordings=recordings,
        transfers=transfers,
        voice_activity=providers.voice_activity,
        energy_alone=providers.hears_tones,
    )


@asynccontextmanager
async def _apps(
    ground: Ground, policy: EgressPolicy, providers: Providers
) -> AsyncIterator[FlowAppLines]:
    gate = Egress(policy, reuse=True)
    try:
        tokens = StoredTokens(ground.database, ground.vault)
        synthesizers = providers.synthesizers
        voices = Voices(frozenset(synthesizers.by_name), synthesizers.auto)
        apps = FlowAppLines(gate, tokens, ground.clock, report, voices)
        async with apps.running():
            yield apps
    finally:
        await gate.close()


def _brain(call: NewCall, providers: Providers) -> Brain:
    if call.plan.flow is not None:
        operator = FlowOperator(call.plan.flow)
        return Call(call.call_id, call.plan, operator, providers.warnings(call.plan))
    models = providers.language_models.candidates(call.plan.language_model.provider)
    opening = models[0].expectation(call.plan.actions) if models else None
    return Call(
        call.call_id,
        call.plan,
        AgentOperator(opening),
        providers.warnings(call.plan),
        thinks_ahead=providers.thinks_ahead(call.plan),
    )


async def _recover_always(recover_calls: Callable[[], Awaitable[int]]) -> None:
    while True:
        await asyncio.sleep(RECOVER_EVERY_S)
        await recover_calls()


def _is_recorded(recordings: DirectoryRecordings, call: OpenCall) -> bool:
    return recordings.exists(call.organisation_id, call.call_id)


def report(where: str, error: BaseException) -> None:
    """Log a mistake of our own; the call it happened on is ended by the engine."""
    log.error("server.broke", extra={"where": where}, exc_info=error)


def _announce(server: Server, settings: Settings) -> None:
    http = f"{settings.http_host}:{server.http_port}"
    sip = f"{settings.sip_host}:{server.sip_port}"
    lines = [f"HTTP on {http}, SIP on {sip}, data in {settings.data_dir}"]
    if server.owner_key is not None:
        lines.append(f"Owner key, shown this once: {server.owner_key}")
    sys.stderr.write("\n".join(lines) + "\n")
    sys.stderr.flush()
