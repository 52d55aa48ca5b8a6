"""The servers that the end-to-end tests share."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e.impairment import BEHIND, MIRROR
from tests.e2e.server import NUMBER, OBSERVED, Json, Server, furnish
from tests.e2e.sipp_program import Plan, Run, run_sipp
from tests.e2e.wire_caller import ringing

DIGEST_USER = "trunk-user"
DIGEST_PASSWORD = "a-password-for-tests"
DIGEST_NUMBER = "+12025550102"
MD5_NUMBER = "+12025550104"
MD5_USER = "older"


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for the whole run; at its end it must stop by itself and hold no dialog."""
    server = Server(tmp_path_factory.mktemp("server"))
    server.start()
    try:
        furnish(server)
        yield server
    finally:
        code = server.stop()
    assert code == 0
    assert "sip.stopped_with_open_dialogs" not in server.log()


@pytest.fixture(scope="session")
def unacknowledged(
    started: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Future[Run]]:
    """A call whose answer is never acknowledged: it takes 32 s, so it runs beside the others."""
    directory = tmp_path_factory.mktemp("no_ack")
    plan = Plan(timeout_s=50)
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(lambda: asyncio.run(run_sipp("no_ack", started.address, directory, plan)))


@pytest.fixture(scope="session")
def vanished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Future[Json]]:
    """A call whose far end is gone without a word, on a server of its own, as it takes 30 s."""
    directory = tmp_path_factory.mktemp("vanished")
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(lambda: asyncio.run(_vanish(directory)))


async def _vanish(directory: Path) -> Json:
    server = Server(directory)
    server.start()
    try:
        furnish(server)
        async with ringing(server.address, "vanished.", BEHIND) as caller:
            await caller.pause(0.3)
            caller.ended = True
        (row,) = await server.ended_calls("vanished.", wait_s=70)
    finally:
        server.stop()
    return row


@pytest.fixture
def server(
    started: Server, unacknowledged: Future[Run], vanished: Future[Json]
) -> Iterator[Server]:
    """The shared server; a mistake of its own during the test fails the test."""
    before = len(started.mistakes())
    yield started
    assert not started.mistakes()[before:]


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with room for one call, and with a second trunk that asks who is calling."""
    server = Server(tmp_path_factory.mktemp("guarded"), {"calls_max_count": "1"})
    server.start()
    try:
        furnish(server, number=NUMBER)
        proving = {"networks": [], "user": DIGEST_USER, "password": DIGEST_PASSWORD}
        furnish(server, {**proving, "user": MD5_USER, "digest": "md5"}, MD5_NUMBER)
        furnish(server, proving, DIGEST_NUMBER)
        yield server
    finally:
        code = server.stop()
    assert code == 0
    assert not server.mistakes()


@pytest.fixture(scope="session")
def mirrored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that takes the mirror's address for everybody's, its own included."""
    options = {"public_sip_address": MIRROR, "public_rtp_address": MIRROR}
    server = Server(tmp_path_factory.mktemp("mirrored"), options, OBSERVED)
    server.start()
    try:
        furnish(server, {"networks": [MIRROR]})
        yield server
    finally:
        code = server.stop()
    assert code == 0
    assert not server.mistakes()
    assert "sip.stopped_with_open_dialogs" not in server.log()
