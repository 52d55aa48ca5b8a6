"""The server under torture: the obedient program, its agent with an action, its records."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.e2e.robustness.caller import until
from tests.e2e.server import GREETING, NUMBER, Server

PROGRAM = ("-m", "tests.e2e.robustness.program")
_COUNTS = re.compile(r'^\{"counts": (\{.*\})\}$', re.MULTILINE)


def obedient(directory: Path, options: Mapping[str, str] | None = None) -> Server:
    """Return a server that has not been started; its data are in ``directory / "var"``."""
    return Server(directory, {"calls_max_count": "200", **(options or {})}, PROGRAM)


@asynccontextmanager
async def obedient_house(
    directory: Path, options: Mapping[str, str] | None = None
) -> AsyncIterator[Server]:
    """Run an obedient server with its number; it has stopped at the end, whatever happened."""
    server = obedient(directory, options)
    try:
        server.start()
        await give_number(server)
        yield server
    finally:
        server.stop()


async def give_number(server: Server, action_url: str = "http://127.0.0.1:8099/") -> None:
    """Give a started server an agent that acts and hangs up when told, and a number."""
    act = {
        "processing_mode": "muted", "name": "note", "description": "Note a word.",
        "url": action_url, "speak_on_send": False, "speak_on_receive": False,
        "input_schema": {"type": "object", "properties": {"word": {"type": "string"}}},
    }  # fmt: skip
    actions = [
        server.create("/v1/actions/create", {"type": "action_external", "config": act}),
        server.create("/v1/actions/create", {"type": "action_end_conversation", "config": {}}),
    ]
    agent = server.create(
        "/v1/agents/create",
        {
            "prompt": {"content": "Obey."},
            "voice": {"type": "voice_vocode", "voice_id": "joe"},
            "initial_message": GREETING,
            "actions": [action["id"] for action in actions],
        },
    )
    trunk = server.create("/x/v1/sip_trunks/create", {"name": "t", "networks": ["127.0.0.0/8"]})
    server.create(
        "/v1/numbers/link",
        {
            "phone_number": NUMBER,
            "telephony_account_connection": trunk["id"],
            "inbound_agent": agent["id"],
        },
    )


async def counted(server: Server) -> dict[str, int]:
    """Return what the process holds now."""
    before = len(_COUNTS.findall(server.log()))
    server.signal(signal.SIGUSR1)
    await until(lambda: len(_COUNTS.findall(server.log())) > before, 10)
    found: dict[str, int] = json.loads(_COUNTS.findall(server.log())[-1])
    return found


@dataclass(frozen=True, slots=True)
class Row:
    """A call as the database has it."""

    call_id: str
    telephony_id: str
    status: str
    error_message: str | None
    recording_available: bool
    ended_at: datetime | None


def rows(data_dir: Path) -> list[Row]:
    """Read all calls past the server."""
    with closing(sqlite3.connect(f"file:{data_dir}/cordboard.db?mode=ro", uri=True)) as connection:
        found = connection.execute(
            "select id, telephony_id, status, error_message, recording_available, ended_at"
            " from calls"
        ).fetchall()
    return [Row(row[0], row[1], row[2], row[3], bool(row[4]), _time(row[5])) for row in found]


def _time(stored: str | None) -> datetime | None:
    return None if stored is None else datetime.fromisoformat(stored).replace(tzinfo=UTC)


def integrity(data_dir: Path) -> str:
    """Return what SQLite says of its own file."""
    with closing(sqlite3.connect(data_dir / "cordboard.db")) as connection:
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])


class SlowReceiver:
    """A receiver of actions that never answers; ``asked_count`` requests have come."""

    def __init__(self) -> None:
        self.asked_count = 0
        self.url = ""

    async def ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one connection (asyncio's callback)."""
        try:
            while await reader.read(4096):
                self.asked_count += 1
        except ConnectionError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def slow_receiver() -> AsyncIterator[SlowReceiver]:
    """Open a receiver that never answers."""
    receiver = SlowReceiver()
    async with await asyncio.start_server(receiver.ask, "127.0.0.1", 0) as listening:
        receiver.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
        yield receiver
