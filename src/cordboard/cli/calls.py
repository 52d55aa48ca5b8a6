"""``cordboard calls``: what is on record about calls, also while they run.

The commands read the database and the recordings beside a running server, or without one.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final, NoReturn, TypeVar

import typer
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from cordboard.cli.call_lines import CallLines, printable
from cordboard.cli.installation import DataDir, table
from cordboard.settings import SettingError, Settings
from cordboard.storage.call_records import calls_like, facts_after, live_calls, newest_calls
from cordboard.storage.call_writes import TERMINAL
from cordboard.storage.database import Database, is_sqlite
from cordboard.storage.tables import Call, CallEvent

T = TypeVar("T")

CallId = Annotated[str, typer.Argument(help="The call's id, or enough of its beginning.")]

_POLL_S: Final = 0.2
_OVERLAP: Final = timedelta(seconds=10)
_MAX_FACTS_COUNT: Final = 100_000
_MAX_LIVE_COUNT: Final = 200

app = typer.Typer(help="Calls on record.", no_args_is_help=True)


class _Mistake(Exception):
    """Something the user can put right."""


@app.command("list")
def list_calls(
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many to show.")] = 20,
    data_dir: DataDir = None,
) -> None:
    """List the newest calls."""

    async def work(database: Database, _settings: Settings) -> list[tuple[str, ...]]:
        async with database.read() as session:
            return [_listed(call) for call in await newest_calls(session, count)]

    heads = ("id", "begun (UTC)", "from", "to", "agent", "length", "status", "end reason")
    table([heads, *on_database(data_dir, work)])


@app.command("show")
def show(call_id: CallId, data_dir: DataDir = None) -> None:
    """Show a call and its transcript."""

    async def work(database: Database, _settings: Settings) -> list[str]:
        call = await _find(database, call_id)
        columns = ("status", "stage", "stage_outcome", "end_reason", "error_message", "carrier")
        rows = [("call", call.id), ("from", call.from_number), ("to", call.to_number)]
        rows += [("agent", _agent_name(call)), ("begun", _time(call.created_at))]
        rows += [("answered", _time(call.started_at)), ("ended", _time(call.ended_at))]
        rows += [(name.replace("_", " "), getattr(call, name)) for name in columns]
        rows.append(("recording", "yes" if call.recording_available else "no"))
        lines = [f"{name:<14} {printable(str(value))}" for name, value in rows if value]
        transcript = (call.transcript or "").split("\n")
        return [*lines, "", *(printable(line) for line in transcript)]

    for line in on_database(data_dir, work):
        typer.echo(line)


@app.command("page")
def page(
    call_id: CallId,
    output: Annotated[
        Path | None, typer.Option(help="The file to write; default: call-ID.html.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Write a call's page: sound, words, timing and events in one HTML file."""
    from cordboard.callpage.page import render_call_page  # brings numpy, which no other needs

    async def work(database: Database, settings: Settings) -> tuple[str, str]:
        call = await _find(database, call_id)
        async with database.read() as session:
            facts = await facts_after(session, call.id, -1, _MAX_FACTS_COUNT)
        recording = await _recording(database, settings, call)
        row = {column.key: getattr(call, column.key) for column in Call.__table__.columns}
        return call.id, await asyncio.to_thread(render_call_page, row, facts, recording)

    found_id, text = on_database(data_dir, work)
    target = output or Path(f"call-{found_id}.html")
    try:
        target.write_text(text, "utf-8")
    except OSError as error:
        _fail(str(error))
    typer.echo(str(target))


async def _recording(database: Database, settings: Settings, call: Call) -> bytes | None:
    """Return a call's recording as WAV, or None where there is none."""
    from cordboard.clock import SystemClock
    from cordboard.ids import Randomness
    from cordboard.storage.master_keys import settle_master_key
    from cordboard.storage.recordings import is_recorded, read_wave
    from cordboard.storage.sealed_file import FileKeys
    from cordboard.storage.vault import VaultError

    root, place = settings.data_dir / "recordings", (call.organisation_id, call.id)
    if not is_recorded(root, *place):
        return None
    chance = Randomness.system()
    given = settings.data_dir, settings.master_key, database, SystemClock(), chance
    try:
        keys = FileKeys.of(await settle_master_key(*given), chance.random_bytes)
    except VaultError as problem:
        raise _Mistake(str(problem)) from None
    sound = await asyncio.to_thread(read_wave, root, keys, *place)
    return None if sound is None else await asyncio.to_thread(sound.read, 0, sound.size_bytes)


@app.command("tail")
def tail(
    call_id: Annotated[
        str | None, typer.Argument(help="One call, from its beginning to its end.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Show what is said while it is said; without an id, on all calls until interrupted."""

    async def work(database: Database, _settings: Settings) -> None:
        if call_id is not None:
            await _follow(database, (await _find(database, call_id)).id)
        else:
            await _follow_all(database)

    try:
        on_database(data_dir, work)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


class _Tail:
    """One call that is followed: what of it has been shown."""

    def __init__(self, call: Call, mark: str) -> None:
        self.call_id = call.id
        self._mark = mark
        self._lines = CallLines()
        self._after = -1
        self._say(f"{call.from_number} → {call.to_number}  {_agent_name(call)}  ({call.id})")

    async def step(self, database: Database) -> bool:
        """Show what is new; False once the call is over and all of it has been shown."""
        async with database.read() as session:
            call = await session.get_one(Call, self.call_id)
            facts = await facts_after(session, self.call_id, self._after, _MAX_FACTS_COUNT)
        for fact in facts:
            self._after = fact.sequence
            self._show(fact)
        if call.status not in TERMINAL:
            return True
        why = call.error_message or (call.end_reason or "").replace("_", " ")
        self._say(f"{call.status}: {why}")
        return False

    def _show(self, fact: CallEvent) -> None:
        for line in self._lines.lines(fact):
            self._say(line)

    def _say(self, line: str) -> None:
        typer.echo(self._mark + printable(line))


async def _follow(database: Database, call_id: str) -> None:
    async with database.read() as session:
        tail = _Tail(await session.get_one(Call, call_id), "")
    while await tail.step(database):  # noqa: ASYNC110  (the database tells no event)
        await asyncio.sleep(_POLL_S)


async def _follow_all(database: Database) -> None:
    """Follow every call that runs or begins; lines bear the beginning of the call's id."""
    tails: dict[str, _Tail | None] = {}
    since = datetime.now(UTC)
    while True:
        now = datetime.now(UTC)
        async with database.read() as session:
            calls = await live_calls(session, since, _MAX_LIVE_COUNT)
        for call in calls:
            if call.id not in tails:
                tails[call.id] = _Tail(call, f"{call.id[:4]} ")
        for tail in [tail for tail in tails.values() if tail is not None]:
            if not await tail.step(database):
                tails[tail.call_id] = None
        listed = {call.id for call in calls}
        tails = {key: tail for key, tail in tails.items() if tail is not None or key in listed}
        since = now - _OVERLAP
        await asyncio.sleep(_POLL_S)


async def _find(database: Database, beginning: str) -> Call:
    async with database.read() as session:
        found = await calls_like(session, beginning)
    if not found:
        raise _Mistake(f"there is no call {printable(beginning)}")
    if len(found) > 1:
        raise _Mistake(f"more than one call begins with {printable(beginning)}")
    return found[0]


def on_database(data_dir: Path | None, work: Callable[[Database, Settings], Awaitable[T]]) -> T:
    """Run ``work`` on the database; what goes wrong is told, and the status is 1."""

    async def run() -> T:
        settings = Settings.from_environment(os.environ, {"data_dir": data_dir})
        _check_exists(settings.database_url)
        database = Database(settings.database_url)
        try:
            return await work(database, settings)
        finally:
            await database.close()

    try:
        return asyncio.run(run())
    except (SettingError, _Mistake, SQLAlchemyError, OSError) as error:
        _fail(str(error))


def _check_exists(url: str) -> None:
    path = make_url(url).database
    if is_sqlite(url) and not (path and Path(path).is_file()):
        raise _Mistake(f"there is no database at {path}; name the server's --data-dir")


def _listed(call: Call) -> tuple[str, ...]:
    length = ""
    if call.started_at is not None and call.ended_at is not None:
        seconds = int((call.ended_at - call.started_at).total_seconds())
        length = f"{seconds // 60}:{seconds % 60:02d}"
    shown = (
        *(call.id, call.created_at.strftime("%Y-%m-%d %H:%M:%S"), call.from_number),
        *(call.to_number, _agent_name(call), length, call.status, call.end_reason or ""),
    )
    return tuple(printable(cell) for cell in shown)


def _agent_name(call: Call) -> str:
    return str(call.agent.get("name") or call.plan.get("agent_name") or call.agent_id or "")


def _time(at: datetime | None) -> str:
    return "" if at is None else at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + " UTC"


def _fail(message: str) -> NoReturn:
    typer.echo(f"Error: {message}", err=True)
    raise typer.Exit(1)
