"""Fixtures of the API's tests."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.control.server import Server, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a running server, one for a whole module of tests."""
    with running(tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    """Return a plain HTTP client with the owner's key."""
    with server.client() as client:
        yield client
