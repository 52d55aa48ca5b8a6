"""``cordboard serve``: every setting is an option, made from the one list of settings."""

from __future__ import annotations

import inspect
import logging
import os
import sys
from collections.abc import Callable, Iterator
from typing import Annotated
from urllib.parse import urlsplit

import typer

from cordboard.cli.concealment import forbid_core_dumps
from cordboard.settings import SETTINGS, SettingError, Settings, unknown_variables


def read_settings(given: dict[str, object]) -> Settings:
    """Read settings from options and environment; ends the program with one clear line."""
    for name in unknown_variables(os.environ):
        sys.stderr.write(f"cordboard: {name} is no setting and is ignored\n")
    try:
        return Settings.from_environment(os.environ, given)
    except SettingError as problem:
        sys.stderr.write(f"cordboard: {problem}\n")
        raise typer.Exit(2) from None


def with_settings(command: Callable[[Settings], None]) -> Callable[..., None]:
    """Return ``command`` with one option for each setting, as Typer reads them off a signature."""

    def run(**given: object) -> None:
        command(read_settings(given))

    options = [
        inspect.Parameter(
            setting.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[
                str | None,
                typer.Option(setting.option, help=setting.help, show_default=setting.default),
            ],
        )
        for setting in SETTINGS
    ]
    run.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]
    run.__doc__ = command.__doc__
    run.__name__ = command.__name__
    return run


def _serve(settings: Settings) -> None:
    """Run the server until it gets SIGTERM or SIGINT; calls may finish first.

    With `--roles work` it has no ports and only does durable work, such as bringing events to
    webhooks, beside a server on the same database.
    """
    import uvloop

    from cordboard.observe import configure_logging
    from cordboard.storage.vault import VaultError

    forbid_core_dumps()
    configure_logging(sys.stderr, settings.log_level, _secrets(settings))
    for noisy in ("alembic", "uvicorn.error", "aiosqlite"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        uvloop.run(_program(settings))
    except* (SettingError, VaultError, OSError) as problems:
        for problem in _leaves(problems):
            sys.stderr.write(f"cordboard: {problem}\n")
        raise typer.Exit(2) from None


def _secrets(settings: Settings) -> Iterator[str]:
    """Yield every text of the settings that is secret; of an address its password."""
    for setting in SETTINGS:
        text = getattr(settings, setting.name)
        if setting.secret and text:
            yield str(urlsplit(text).password or "") if "://" in text else str(text)


async def _program(settings: Settings) -> None:
    # Only one of the two is imported: what a server needs takes most of the memory.
    if settings.roles == {"work"}:
        from cordboard.wiring.work import work

        await work(settings)
    else:
        from cordboard.wiring.server import serve as run_server

        await run_server(settings)


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    found: list[BaseException] = []
    for problem in group.exceptions:
        found += _leaves(problem) if isinstance(problem, BaseExceptionGroup) else [problem]
    return found


serve = with_settings(_serve)
