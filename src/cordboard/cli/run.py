"""``cordboard run``: a program that was written for the hosted API, against a server of ours."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final

import typer

from cordboard.settings import SettingError, Settings

NOT_FOUND: Final = 127
NOT_RUNNABLE: Final = 126
_STARTUP: Final = Path(__file__).with_name("startup")


def run(
    command: Annotated[
        list[str], typer.Argument(help="The program and its arguments, after `--`.")
    ],
    url: Annotated[
        str | None, typer.Option(help="The server; default: CORDBOARD_PUBLIC_URL, else this host.")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(help="A key to send in place of the token that the script gives."),
    ] = None,
) -> None:
    """Run a Python script, unchanged, against this server.

    The official client in it goes to this server wherever the script names no other. The script
    takes the place of this process: signals reach it, and its exit status is what comes back.
    """
    try:
        settings = Settings.from_environment(os.environ)
    except SettingError as error:
        raise typer.BadParameter(str(error)) from None
    environment = {
        **os.environ,
        "CORDBOARD_RUN_URL": (url or settings.public_url).rstrip("/"),
        "PYTHONPATH": _first_on_path(_STARTUP),
    }
    environment.pop("CORDBOARD_RUN_KEY", None)
    if key is not None:
        environment["CORDBOARD_RUN_KEY"] = key
    try:
        os.execvpe(command[0], command, environment)  # noqa: S606  (that is what was asked for)
    except FileNotFoundError:
        typer.echo(f"Error: there is no program {command[0]!r}", err=True)
        raise typer.Exit(NOT_FOUND) from None
    except OSError as problem:
        typer.echo(f"Error: {command[0]!r}: {problem.strerror}", err=True)
        raise typer.Exit(NOT_RUNNABLE) from None


def _first_on_path(folder: Path) -> str:
    known = os.environ.get("PYTHONPATH")
    return f"{folder}{os.pathsep}{known}" if known else str(folder)
