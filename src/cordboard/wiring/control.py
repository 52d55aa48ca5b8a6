"""What the API is handed: its database, and how it reaches calls and recordings."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

from sqlalchemy import select

from cordboard.bus.port import Bus, BusError
from cordboard.control.services import ConfigProblem, ControlServices, Sound
from cordboard.egress import EgressPolicy, check_url
from cordboard.engine.dispatch import Dispatch
from cordboard.providers.external_action.schema import SchemaInvalid, compile_schema
from cordboard.storage.call_store import SqlCallStore
from cordboard.storage.database import Database
from cordboard.storage.recordings import DirectoryRecordings
from cordboard.storage.sealed_file import SealedFileDamaged
from cordboard.storage.tables import Call
from cordboard.wiring.carriers import TRUNKS_CHANGED
from cordboard.wiring.ground import Ground
from cordboard.wiring.measures import measures
from cordboard.wiring.options import dial_rules, plan_options
from cordboard.wiring.outbound import WANTED
from cordboard.wiring.reach import TrunkReach
from cordboard.wiring.twilio_numbers import NUMBERS_CHANGED, AccountMarket

log = logging.getLogger(__name__)


class _EndCalls:
    def __init__(self, dispatch: Dispatch) -> None:
        self._dispatch = dispatch

    async def end_call(self, call_id: str) -> bool:
        return self._dispatch.end_call(call_id)


class _ReadRecordings:
    def __init__(self, recordings: DirectoryRecordings, database: Database) -> None:
        self._recordings = recordings
        self._database = database

    async def open_mp3(self, call_id: str) -> Sound | None:
        async with self._database.read() as session:
            row = await session.scalar(select(Call).where(Call.id == call_id))
        if row is None:
            return None
        try:
            return await self._recordings.mp3(row.organisation_id, call_id)
        except SealedFileDamaged as problem:
            log.warning("recording.unreadable", extra={"call": call_id, "why": str(problem)})
            return None


@dataclass(frozen=True, slots=True)
class _ConfigProblem:
    place: tuple[str | int, ...]
    message: str


def check_external_action(
    config: Mapping[str, object],
) -> tuple[Sequence[ConfigProblem], Sequence[str]]:
    """Return what is wrong with an external action's schema, and what is only doubtful."""
    schema = cast("Mapping[str, object]", config["input_schema"])
    try:
        compiled = compile_schema(schema)
    except SchemaInvalid as invalid:
        return [_ConfigProblem(("input_schema", *invalid.loc), invalid.message)], []
    doubts = (f"{'.'.join(map(str, found.loc))}: {found.message}" for found in compiled.warnings)
    return [], [f"input_schema.{doubt}" for doubt in doubts]


def control_services(
    ground: Ground,
    policy: EgressPolicy,
    dispatch: Dispatch,
    recordings: DirectoryRecordings,
    store: SqlCallStore,
    bus: Bus,
    market: AccountMarket,
) -> ControlServices:
    """Return all that the API needs."""

    async def ready() -> str | None:
        if dispatch.draining:
            return "draining"
        if not store.is_writable:
            return "the database cannot be written"
        return None if dispatch.ready else "calls cannot be taken; see cordboard doctor"

    async def trunks_changed() -> None:
        try:
            await bus.request(TRUNKS_CHANGED, {})
        except BusError as problem:
            # They are looked for once a second besides.
            log.warning("control.trunks_not_taken_up", extra={"why": type(problem).__name__})

    return ControlServices(
        database=ground.database,
        vault=ground.vault,
        clock=ground.clock,
        randomness=ground.randomness,
        key_secret=ground.key.derive("api-keys"),
        check_target=partial(check_url, policy=policy),
        check_sip_target=TrunkReach(policy.open_networks).check,
        check_external_action=check_external_action,
        call_commands=_EndCalls(dispatch),
        recordings=_ReadRecordings(recordings, ground.database),
        ready=ready,
        home_country=ground.settings.home_country,
        dial_rules=dial_rules(ground.settings),
        plan_options=lambda content_free: plan_options(ground.settings, content_free=content_free),
        call_wanted=lambda: bus.publish(WANTED, {}),
        trunks_changed=trunks_changed,
        numbers_changed=lambda: bus.publish(NUMBERS_CHANGED, {}),
        number_market=market,
        monthly_minutes_max=ground.settings.monthly_minutes_max,
        metrics=measures(dispatch, store, dispatch.lateness),
    )
