"""The server of the flows' live calls."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.flows.house import furnish
from tests.e2e.server import Server


@pytest.fixture(scope="session")
def flow_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for all of them; at its end it must stop by itself and hold no dialog."""
    house = Server(tmp_path_factory.mktemp("flows"), {"calls_max_count": "50"})
    house.start()
    try:
        furnish(house)
        yield house
    finally:
        code = house.stop()
    assert code == 0
    assert "sip.stopped_with_open_dialogs" not in house.log()


@pytest.fixture
def server(flow_house: Server) -> Iterator[Server]:
    """The shared server; a mistake of its own during the test fails the test."""
    before = len(flow_house.mistakes())
    yield flow_house
    assert not flow_house.mistakes()[before:]
