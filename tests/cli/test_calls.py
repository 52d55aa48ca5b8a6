"""The commands about calls, on a database that a call store wrote."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cordboard.call.events import EndReason
from cordboard.cli.call_lines import CallLines, printable
from cordboard.cli.calls import app
from cordboard.clock import SystemClock
from cordboard.ids import Randomness
from cordboard.ports import Fact
from cordboard.storage.call_store import SqlCallStore
from cordboard.storage.database import Database, migrate
from cordboard.storage.master_keys import settle_master_key
from cordboard.storage.tables import Organisation
from tests.callpage.sample import facts, recording
from tests.storage.test_call_store import (
    AT,
    CALL,
    ORGANISATION,
    ending,
    new_call,
    open_store,
)

OTHER = "00000000-0000-4000-8000-0000000000ff"
TAIL = "from cordboard.cli.calls import app; app()"


async def _migrated(data_dir: Path) -> Database:
    url = f"sqlite+aiosqlite:///{data_dir}/cordboard.db"
    await migrate(url)
    database = Database(url)
    await settle_master_key(data_dir, None, database, SystemClock(), Randomness.system())
    async with database.write() as session:
        session.add(Organisation(id=ORGANISATION, name="O", created_at=AT))
    return database


async def _whole_call(store: SqlCallStore) -> None:
    await store.create_call(new_call())
    await store.answered(CALL, AT + timedelta(seconds=2))
    for fact in facts():
        store.keep(CALL, fact)
    await store.finish(CALL, ending(EndReason.AGENT_ENDED, "BOT: Hello\nHUMAN: Hi \x1b[31mthere"))


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a data directory with one ended call, its recording, and one that runs."""
    for name in ("CORDBOARD_DATA_DIR", "CORDBOARD_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)

    async def fill() -> None:
        database = await _migrated(tmp_path)
        async with open_store(database, "engine") as store:
            await _whole_call(store)
            await store.create_call(new_call(call_id=OTHER, leg_id=OTHER))
        await database.close()

    asyncio.run(fill())
    directory = tmp_path / "recordings" / ORGANISATION
    directory.mkdir(parents=True)
    (directory / f"{CALL}.wav").write_bytes(recording())
    return tmp_path


def run(*arguments: str | Path) -> tuple[int, str]:
    """Run a command; return its status and all it says."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.output


def test_list(data_dir: Path) -> None:
    """Calls are listed with numbers, agent, length and end."""
    status, output = run("list", "--data-dir", data_dir)
    assert status == 0
    (line,) = [line for line in output.splitlines() if line.startswith(CALL)]
    assert line.split()[3:] == [
        "12025550100",
        "12025550101",
        "shown",
        "1:28",
        "ended",
        "agent_ended",
    ]
    assert OTHER in output
    assert len(run("list", "--count", "1", "--data-dir", data_dir)[1].splitlines()) == 2


def test_show(data_dir: Path) -> None:
    """A call is shown with its transcript, and nothing in it can steer the terminal."""
    status, output = run("show", CALL[:-1] + "a", "--data-dir", data_dir)
    assert status == 0
    assert "end reason     agent_ended" in output
    assert "BOT: Hello\nHUMAN: Hi  [31mthere" in output


def test_page(data_dir: Path, tmp_path: Path) -> None:
    """The page is written with the recording in it."""
    target = tmp_path / "page.html"
    status, output = run("page", CALL, "--output", target, "--data-dir", data_dir)
    assert (status, output) == (0, f"{target}\n")
    page = target.read_text("utf-8")
    assert "7 of 7 moments agree" in page
    assert "data:audio/wav;base64," in page
    assert run("page", CALL, "--output", tmp_path, "--data-dir", data_dir)[0] == 1


def test_tail_of_a_call_that_is_over(data_dir: Path) -> None:
    """The conversation comes turn by turn with response delays, then the end."""
    status, output = run("tail", CALL, "--data-dir", data_dir)
    assert status == 0
    said = output.splitlines()
    assert said[0] == f"12025550100 → 12025550101  shown  ({CALL})"
    assert "  0:06.0  AGENT   Gladly. At what time would you like to meet" in output
    assert "  [840 ms]" in output
    assert "(cut short; heard: Gladly. At what time would you like to meet,)" in output
    assert 'ACTION  meeting_assistant {"day": "2026-03-05"' in output
    assert "ACTION  → success 200 " in output
    assert said[-1] == "ended: agent ended"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "ffff"), "there is no call ffff"),
        (("show", CALL[:20]), "more than one call"),
        (("page", "%"), "there is no call"),
    ],
)
def test_mistakes_are_told(data_dir: Path, arguments: tuple[str, ...], message: str) -> None:
    """A wrong id ends with status 1 and one line."""
    status, output = run(*arguments, "--data-dir", data_dir)
    assert status == 1
    assert message in output
    assert len(output.splitlines()) == 1


def test_without_a_database(tmp_path: Path) -> None:
    """A wrong directory is told, and nothing is made in it."""
    status, output = run("list", "--data-dir", tmp_path)
    assert status == 1
    assert "--data-dir" in output
    assert list(tmp_path.iterdir()) == []


async def test_tail_is_live_across_processes(tmp_path: Path) -> None:
    """Another process sees a turn while the call still runs, and ends with the call."""
    database = await _migrated(tmp_path)
    async with open_store(database, "engine") as store:
        await store.create_call(new_call())
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", TAIL, "tail", CALL, "--data-dir", str(tmp_path)),
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        async with asyncio.timeout(20):
            assert CALL.encode() in await process.stdout.readline()
            store.keep(CALL, Fact(1, "turn_ended", AT, 900, {"text": "hello", "turn_id": "t1"}))
            assert await process.stdout.readline() == b"  0:00.9  CALLER  hello\n"
            await store.finish(CALL, ending(EndReason.CALLER_HUNG_UP))
            assert await process.stdout.read() == b"ended: caller hung up\n"
            assert await process.wait() == 0
    await database.close()


async def test_tail_of_everything_follows_calls_as_they_begin(tmp_path: Path) -> None:
    """Without an id every call is followed, its lines marked, until Ctrl-C."""
    database = await _migrated(tmp_path)
    async with open_store(database, "engine") as store:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", TAIL, "tail", "--data-dir", str(tmp_path)),
            stdout=subprocess.PIPE,
            # Whoever runs the tests in the background has Ctrl-C switched off for their children.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        assert process.stdout is not None
        later = datetime.now(UTC) + timedelta(seconds=1)
        async with asyncio.timeout(20):
            for call_id in (f"aaaa{CALL[4:]}", f"bbbb{CALL[4:]}"):
                created = replace(new_call(call_id=call_id, leg_id=call_id), at=later)
                await store.create_call(created)
                assert call_id.encode() in await process.stdout.readline()
                store.keep(call_id, Fact(1, "turn_ended", AT, 900, {"text": call_id}))
                line = await process.stdout.readline()
                assert line == f"{call_id[:4]}   0:00.9  CALLER  {call_id}\n".encode()
                await store.finish(call_id, ending(EndReason.CALLER_HUNG_UP))
                assert b"ended: caller hung up" in await process.stdout.readline()
            process.send_signal(signal.SIGINT)
            assert await process.wait() == 130
    await database.close()


def test_lines_cannot_steer_a_terminal() -> None:
    """Control characters, line breaks and endless words never reach the terminal."""
    hostile = "a\x1b[2Jb\nc\u202ed" + "x" * 1000
    lines = CallLines().lines(Fact(1, "turn_ended", AT, 0, {"text": hostile, "reason": hostile}))
    assert len(lines) == 1
    assert lines[0].isprintable()
    assert len(lines[0]) < 600
    assert printable("é ü") == "é ü"
