"""Fixtures of the API's tests."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.control.server import Server, running
from tests.postgres import PostgresServer


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Return a running server, one for a whole module of tests and each kind of database."""
    if request.param == "sqlite":
        with running(tmp_path_factory.mktemp("server")) as started:
            yield started
        return
    postgres: PostgresServer = request.getfixturevalue("postgres")
    url = postgres.make()
    with running(tmp_path_factory.mktemp("server"), url) as started:
        yield started
    postgres.drop(url)


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    """Return a plain HTTP client with the owner's key."""
    with server.client() as client:
        yield client
