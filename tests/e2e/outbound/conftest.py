"""The server that the outbound tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.server import Server


@pytest.fixture(scope="session")
def calling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that calls out; at its end it must stop by itself and hold no dialog."""
    server = Server(tmp_path_factory.mktemp("calling"))
    server.start()
    try:
        yield server
    finally:
        code = server.stop()
    assert code == 0
    assert not server.mistakes()
    assert "sip.stopped_with_open_dialogs" not in server.log()
