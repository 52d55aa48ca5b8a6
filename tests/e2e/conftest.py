"""The servers that the end-to-end tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.server import Server, furnish


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for the whole run; at its end it must stop by itself and hold no dialog."""
    server = Server(tmp_path_factory.mktemp("server"))
    server.start()
    furnish(server)
    yield server
    assert server.stop() == 0
    assert "sip.stopped_with_open_dialogs" not in server.log()


@pytest.fixture
def server(started: Server) -> Iterator[Server]:
    """The shared server; a mistake of its own during the test fails the test."""
    before = len(started.mistakes())
    yield started
    assert not started.mistakes()[before:]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """An empty directory."""
    return tmp_path
