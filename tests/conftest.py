"""What holds for every test: how many cases hypothesis tries, and how tests are named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.counts import count

if TYPE_CHECKING:
    from tests.postgres import PostgresServer

# No deadline for one example: on a shared machine it would measure the neighbours.
settings.register_profile(
    "house",
    deadline=None,
    max_examples=count(60, 2000),
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("house")

_LONGEST_NAME_CHARACTERS = 40


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name cases alike in every worker process: no addresses of objects, no drawn or long texts."""
    if isinstance(val, bytes):
        return argname  # it may be compressed, and hold the time of day
    if isinstance(val, str):
        return argname if len(val) > _LONGEST_NAME_CHARACTERS else None
    shown = str(val)
    return (
        argname if " object at 0x" in shown or len(shown) > 4 * _LONGEST_NAME_CHARACTERS else None
    )


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Return a PostgreSQL server of this test process; it is started by who asks first."""
    from tests.postgres import postgres_server  # only where it is wanted: it takes long to import

    with postgres_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the address of a new database, of either kind, for one test."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/cordboard.db"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.make()
    yield url
    server.drop(url)
