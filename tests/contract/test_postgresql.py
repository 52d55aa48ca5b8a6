"""Official clients cannot tell which database the server keeps its data in."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from tests.contract.clients import VERSIONS, all_reports
from tests.control.server import running
from tests.counts import count
from tests.postgres import PostgresServer

pytestmark = pytest.mark.xdist_group("contract")

TRIED: Final = VERSIONS[-count(1, len(VERSIONS)) :]
KINDS: Final = ("sync", "async")[: count(1, 2)]
SAID: Final = ("outcome", "lost", "fates", "error", "status", "loc", "bytes")
"""What an outcome tells but for ids, times and the wording of refusals."""


def test_same_as_on_sqlite(
    reports: dict[str, dict[str, Any]], postgres: PostgresServer, tmp_path: Path
) -> None:
    """Every step of every release comes out on PostgreSQL as it does on SQLite."""
    url = postgres.make()
    with running(tmp_path, url) as server:
        met = all_reports(server, TRIED, KINDS)
    for version in TRIED:
        for kind in KINDS:
            wanted, found = reports[version]["modes"][kind], met[version]["modes"][kind]
            assert list(found) == list(wanted)
            for name, outcome in found.items():
                for part in SAID:
                    assert outcome.get(part) == wanted[name].get(part), (version, kind, name)
        if len(KINDS) == 2:
            assert met[version]["models"] == reports[version]["models"], version
