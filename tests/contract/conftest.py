"""One server for all releases, and what each of them made of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.clients import all_reports
from tests.control.server import Server, running


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a running server on an empty database."""
    with running(tmp_path_factory.mktemp("contract")) as started:
        yield started


@pytest.fixture(scope="session")
def reports(server: Server) -> dict[str, dict[str, Any]]:
    """Return what every release reports, by its version."""
    return all_reports(server)
