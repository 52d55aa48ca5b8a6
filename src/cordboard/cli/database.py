"""``cordboard database``: the records as a whole."""

from __future__ import annotations

import asyncio
import os
from typing import Annotated

import typer

from cordboard.cli.installation import DataDir
from cordboard.settings import SettingError, Settings

app = typer.Typer(help="The database as a whole.", no_args_is_help=True)


@app.callback()
def _database() -> None:
    """The database as a whole."""


@app.command("copy")
def copy(
    to: Annotated[str, typer.Option(help="Address of the empty database to be filled.")],
    data_dir: DataDir = None,
) -> None:
    """Copy all records into an empty database, in one transaction; no server may run meanwhile.

    Afterwards set CORDBOARD_DATABASE_URL to it, and keep the data directory: recordings and the
    master key stay where they are.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from cordboard.storage.copying import CopyRefused, copy_database
    from cordboard.storage.database import SchemaUnknown
    from cordboard.wiring.lock import DirectoryLock

    counts: dict[str, int] = {}
    try:
        settings = Settings.from_environment(os.environ, {"data_dir": data_dir})
        if not settings.data_dir.is_dir():
            raise CopyRefused(f"there is no data directory {settings.data_dir}")
        with DirectoryLock(settings.data_dir):
            asyncio.run(copy_database(settings.database_url, to, counts.__setitem__))
    except (CopyRefused, SchemaUnknown, SettingError, SQLAlchemyError, OSError) as problem:
        typer.echo(f"Error: {problem}", err=True)
        raise typer.Exit(1) from None
    for table, count in counts.items():
        if count:
            typer.echo(f"{count:>9}  {table}")
    typer.echo(f"{sum(counts.values()):>9}  in all")
