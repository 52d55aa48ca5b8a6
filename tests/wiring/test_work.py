"""The role of durable work: what it needs, and what is refused by name."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from pathlib import Path

import pytest

from cordboard.settings import SettingError, Settings
from cordboard.storage.vault import MasterKeyRefused
from cordboard.wiring.server import running
from cordboard.wiring.work import working
from tests.delivery.receiver import KEY, house


def _settings(directory: Path, **given: str) -> Settings:
    options = {"profile": "development", "data_dir": str(directory / "var"), "roles": "work"}
    return Settings.from_environment({}, {**options, **given})


async def test_delivers(database_url: str, tmp_path: Path) -> None:
    """A worker without a server brings the events of calls that ended long ago to webhooks."""
    options = {"database_url": database_url, "master_key": b64encode(KEY).decode()}
    settings = _settings(tmp_path, **options)
    async with working(settings):
        pass  # the first start: the database gets its tables and the key's check
    async with house(database_url) as home:
        call_id = await home.add_call()
        await home.answer(call_id)
        async with working(settings) as worker:
            (got,) = await home.receiver.has(1)
            await asyncio.wait_for(worker.drain(), 5)
    assert got.event["call_id"] == call_id


@pytest.mark.parametrize("roles", ["engine", "api", "api,work", "engine,work"])
async def test_apart(roles: str, tmp_path: Path) -> None:
    """The API and the engine apart are refused by name."""
    with pytest.raises(SettingError, match="CORDBOARD_ROLES"):
        async with running(_settings(tmp_path, roles=roles)):
            pass


async def test_no_key(tmp_path: Path) -> None:
    """A worker that starts first does not make a key that the server does not have."""
    with pytest.raises(MasterKeyRefused, match="CORDBOARD_MASTER_KEY"):
        async with working(_settings(tmp_path)):
            pass


async def test_no_address(tmp_path: Path) -> None:
    """Without a port of its own a worker must be told the address for links."""
    with pytest.raises(SettingError, match="CORDBOARD_PUBLIC_URL"):
        async with working(_settings(tmp_path, http_port="0")):
            pass
