"""What a killed engine leaves of its calls."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

from cordboard.call.events import EndReason
from cordboard.storage.database import Database, migrate
from cordboard.storage.tables import Organisation
from tests.counts import count
from tests.storage.test_call_store import (
    AT,
    CALL,
    ORGANISATION,
    LaterClock,
    ending,
    facts,
    open_store,
    row,
)

TALK = """
import asyncio, os, sys
from cordboard.storage.database import Database
from tests.storage.test_call_store import CALL, fact, new_call, open_store

async def main(url):
    async with open_store(Database(url), "first") as store:
        await store.create_call(new_call())
        await store.answered(CALL, fact(0).at)
        for number in range(100_000):
            store.keep(CALL, fact(number, "heard", text=str(number), whole=True))
            os.write(1, b".")
            await asyncio.sleep(0.005)

asyncio.run(main(sys.argv[1]))
"""

MOST_LOST = 400  # two seconds' worth, for a machine that is busy


def killed_after(url: str, seconds: float) -> int:
    """Run an engine that notes a fact every 5 ms, kill it; return how many facts it noted."""
    process = subprocess.Popen([sys.executable, "-c", TALK, url], stdout=subprocess.PIPE)
    assert process.stdout is not None
    noted = len(process.stdout.read(1))
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
    rest, _ = process.communicate(timeout=10)
    return noted + len(rest)


async def _prepared(directory: Path) -> tuple[str, Database]:
    url = f"sqlite+aiosqlite:///{directory}/cordboard.db"
    await migrate(url)
    database = Database(url)
    async with database.write() as session:
        session.add(Organisation(id=ORGANISATION, name="O", created_at=AT))
    return url, database


async def test_a_kill_at_any_moment_leaves_a_whole_beginning(tmp_path: Path) -> None:
    """The database is sound, facts have no gap, hardly any are lost, and the next
    engine closes the call with the transcript of what was kept.
    """
    chance = random.Random(4)
    for number in range(count(3, 60)):
        url, database = await _prepared(tmp_path / str(number))
        noted = await asyncio.to_thread(killed_after, url, chance.uniform(0, 1.5))
        kept = [each.sequence for each in await facts(database)]
        assert kept == list(range(len(kept)))
        assert noted - MOST_LOST <= len(kept) <= noted + 1
        connection = sqlite3.connect(tmp_path / str(number) / "cordboard.db")
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.close()
        async with open_store(database, "second", clock=LaterClock()) as store:
            (found,) = await store.open_calls("second")
            await store.finish(found.call_id, ending(EndReason.INTERRUPTED, at=LaterClock().wall()))
        closed = await row(database, CALL)
        assert closed.status == "error"
        assert closed.transcript == "\n".join(f"BOT: {sequence}" for sequence in kept)
        await database.close()
