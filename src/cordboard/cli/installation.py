"""The database of a data directory, opened by the command line next to (or without) a server.

What takes long to import is imported when it is used: every command of the program loads this.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn, TypeVar

import typer

from cordboard.settings import SettingError, Settings

if TYPE_CHECKING:
    from cordboard.control.keys.service import KeyMaking
    from cordboard.control.services import ControlServices
    from cordboard.control.unit import Unit
    from cordboard.egress import EgressPolicy

T = TypeVar("T")

DataDir = Annotated[
    Path | None,
    typer.Option(help="The server's data directory; default: CORDBOARD_DATA_DIR, else `var`."),
]

ORGANISATION_VARIABLE: Final = "CORDBOARD_ORGANIZATION"

ForOrganisation = Annotated[
    str | None,
    typer.Option(
        "--organization",
        help="Whose, by id or name; default: CORDBOARD_ORGANIZATION, else the first.",
    ),
]


class _NoServer:
    """Stands where a running server would be: the command line only reads and writes rows."""

    async def end_call(self, _call_id: str) -> bool:
        return False

    async def open_mp3(self, _call_id: str) -> None:
        return None

    async def ready(self) -> str | None:
        return None


def _check(url: str, policy: EgressPolicy) -> None:
    """Refuse what no server may reach, and tell what this one may only be allowed to.

    The server's own environment decides, not the one that the command line runs in.

    Raises:
        TargetRefused: it may never be reached.

    """
    from cordboard.egress import ANYWHERE, EgressPolicy, TargetRefused, check_url

    check_url(url, EgressPolicy(open_networks=ANYWHERE))
    try:
        check_url(url, policy)
    except TargetRefused as refused:
        typer.echo(f"Note: a server that is not told otherwise refuses this {refused}", err=True)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[ControlServices]:
    """Open the installation of ``settings``, its schema brought up to date.

    Raises:
        VaultError: the master key is missing or wrong.

    """
    from cordboard.clock import SystemClock
    from cordboard.control.services import ControlServices
    from cordboard.ids import Randomness
    from cordboard.storage.database import Database, migrate
    from cordboard.storage.master_keys import settle_master_key
    from cordboard.storage.vault import Vault
    from cordboard.wiring.options import dial_rules, egress_policy, plan_options
    from cordboard.wiring.reach import TrunkReach

    randomness = Randomness.system()
    await migrate(settings.database_url)
    database = Database(settings.database_url)
    try:
        key = await settle_master_key(
            settings.data_dir,
            settings.master_key,
            database,
            SystemClock(),
            randomness,
        )
    except BaseException:
        await database.close()
        raise
    nobody = _NoServer()
    policy = egress_policy(settings)
    try:
        yield ControlServices(
            database=database,
            vault=Vault(key, randomness.random_bytes),
            clock=SystemClock(),
            randomness=randomness,
            key_secret=key.derive("api-keys"),
            check_target=lambda target: _check(target, policy),
            check_sip_target=TrunkReach(policy.open_networks).check,
            check_external_action=lambda _config: ((), ()),
            call_commands=nobody,
            recordings=nobody,
            ready=nobody.ready,
            home_country=settings.home_country,
            dial_rules=dial_rules(settings),
            plan_options=lambda content_free: plan_options(settings, content_free=content_free),
        )
    finally:
        await database.close()


def key_making(services: ControlServices) -> KeyMaking:
    """Return what it takes to make keys."""
    from cordboard.control.keys.service import KeyMaking

    return KeyMaking(services.clock, services.randomness, services.key_secret)


def in_transaction(
    data_dir: Path | None,
    work: Callable[[Unit], Awaitable[T]],
    organisation: str | None = None,
) -> T:
    """Run ``work`` as an operator, in one transaction.

    It is done to the rows of ``organisation`` (an id or a name), else of the one that
    ``CORDBOARD_ORGANIZATION`` names, else of the first. What goes wrong is told on standard error,
    and the process ends with status 1.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from cordboard.control.errors import ControlError, Invalid
    from cordboard.control.keys.service import organisation_in
    from cordboard.control.organisations.service import named
    from cordboard.control.unit import Unit
    from cordboard.storage.database import SchemaUnknown
    from cordboard.storage.vault import VaultError

    async def run() -> T:
        overrides = {"data_dir": data_dir}
        settings = Settings.from_environment(os.environ, overrides)
        async with opened(settings) as services, services.database.write() as session:
            first = await organisation_in(session, key_making(services))
            wanted = organisation or os.environ.get(ORGANISATION_VARIABLE)
            chosen = await named(session, wanted) if wanted else first
            return await work(Unit(session, chosen.id, "operator", services))

    try:
        return asyncio.run(run())
    except Invalid as error:
        _fail("\n".join(f"{_option(item.place)}: {item.message}" for item in error.problems))
    except ControlError as error:
        _fail(error.detail)
    except (SettingError, SchemaUnknown, VaultError, SQLAlchemyError, OSError) as error:
        _fail(str(error))


def table(rows: list[tuple[str, ...]]) -> None:
    """Print rows in columns; the first row is the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())


def _option(place: tuple[str | int, ...]) -> str:
    return ".".join(str(part) for part in place[1:]) or "input"


def _fail(message: str) -> NoReturn:
    typer.echo(f"Error: {message}", err=True)
    raise typer.Exit(1)
