"""A process that only does durable work: it has neither ports nor calls."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cordboard.clock import SystemClock
from cordboard.delivery.worker import DeliveryWorker
from cordboard.egress import Egress
from cordboard.ids import Randomness
from cordboard.settings import SettingError, Settings
from cordboard.storage.database import Database, address, migrate
from cordboard.storage.master_keys import settle_master_key
from cordboard.storage.vault import KEY_FILE, KEY_SETTING, MasterKeyRefused, Vault, given_key
from cordboard.wiring.delivery import delivery_worker
from cordboard.wiring.ground import Ground
from cordboard.wiring.options import egress_policy
from cordboard.wiring.signals import StopSignals

log = logging.getLogger(__name__)


@asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[DeliveryWorker]:
    """Do durable work within the block, beside any number of others on the same database.

    Raises:
        SettingError: nobody knows the address that links need.
        OSError: the database is away, or its address cannot be used.
        MasterKeyRefused: the key is missing or not the one of this database.

    """
    if settings.public_url.endswith(":0"):
        raise SettingError(
            "CORDBOARD_PUBLIC_URL (--public-url) must be set: this process has no HTTP port"
        )
    if given_key(settings.data_dir, settings.master_key) is None:
        raise MasterKeyRefused(
            f"a process that only works makes no master key: put the server's {KEY_FILE} into "
            f"{settings.data_dir} or set {KEY_SETTING}"
        )
    clock, randomness = SystemClock(), Randomness.system()
    await migrate(settings.database_url)
    database = Database(settings.database_url)
    egress = Egress(egress_policy(settings))
    try:
        key = await settle_master_key(
            settings.data_dir, settings.master_key, database, clock, randomness
        )
        ground = Ground(
            settings=settings,
            clock=clock,
            randomness=randomness,
            key=key,
            vault=Vault(key, randomness.random_bytes),
            database=database,
            engine_id="",
        )
        public_url = settings.public_url.format(http_port=settings.http_port).rstrip("/")
        worker = delivery_worker(ground, egress, public_url)
        async with worker.running():
            yield worker
    finally:
        await egress.close()
        await database.close()


async def work(settings: Settings) -> None:
    """Work until a signal comes; let requests that are under way end, then return."""
    signals = StopSignals()
    async with working(settings) as worker:
        shown = address(settings.database_url).render_as_string(hide_password=True)
        sys.stderr.write(f"Working on {shown}\n")
        sys.stderr.flush()
        await signals.stop.wait()
        log.info("work.draining")
        async with asyncio.TaskGroup() as group:
            draining = group.create_task(worker.drain())
            hurrying = group.create_task(signals.hurry.wait())
            await asyncio.wait((draining, hurrying), return_when=asyncio.FIRST_COMPLETED)
            draining.cancel()
            hurrying.cancel()
