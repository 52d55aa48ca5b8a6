"""What time tells of keys (R14): nothing, whichever of them is wrong, and how."""

from __future__ import annotations

import statistics
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.requests import Request

from cordboard.control.app import create_app
from cordboard.control.auth import reader
from cordboard.control.errors import Unauthorised
from cordboard.control.keys.service import KeyMaking, ensure_owner
from cordboard.control.services import ControlServices
from cordboard.ids import Randomness
from cordboard.storage.database import migrate
from cordboard.storage.keys import new_key
from cordboard.storage.tables import ApiKey, Organisation
from tests.control.server import Engine, services_on
from tests.counts import count

MOST_APART_MS = 0.2


@dataclass
class Door:
    """An API, and texts that open nothing, by what is wrong with them."""

    services: ControlServices
    wrong: dict[str, str | None]


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    """Make keys: a good one, a revoked one, and such as only begin like the good one."""
    url = f"sqlite+aiosqlite:///{tmp_path}/c.db"
    await migrate(url)
    services = services_on(url, Engine())
    chance = Randomness.system()
    good = await ensure_owner(services, None)
    assert good is not None
    making = KeyMaking(services.clock, services.randomness, services.key_secret)
    async with services.database.write() as session:
        row = Organisation(id=chance.uuid(), name="B", created_at=services.clock.wall())
        session.add(row)
        await session.flush()
        revoked = making.add(session, row.id, "b", "owner")
        for each in session.new:
            if isinstance(each, ApiKey):
                each.revoked_at = services.clock.wall()
    other = new_key(chance)
    yield Door(
        services,
        {
            "unknown": other,
            "known prefix": good[:12] + other[12:],
            "all but the last character": good[:-1] + ("0" if good[-1] != "0" else "1"),
            "revoked": revoked,
            "missing": None,
            "malformed": "x",
        },
    )
    await services.database.close()


async def _refused_ms(app: object, text: str | None, number: int) -> float:
    """Return how long a refusal takes, from an address of its own."""
    headers = [] if text is None else [(b"authorization", f"Bearer {text}".encode())]
    address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/v1/agents/list",
        "headers": headers,
        "client": (address, 1),
        "app": app,
    }
    begun = time.perf_counter()
    with pytest.raises(Unauthorised):
        await reader(Request(scope))
    return (time.perf_counter() - begun) * 1000


async def _apart_ms(door: Door, rounds: int) -> dict[str, float]:
    """Return how much longer each kind is refused than one that is unknown, in the median.

    Each round tries all kinds, in an order that changes; differences are taken within a round, as
    the machine's load changes between them.
    """
    app = create_app(door.services)
    kinds = list(door.wrong)
    later_ms: dict[str, list[float]] = {kind: [] for kind in kinds}
    for turn in range(rounds):
        spent_ms: dict[str, float] = {}
        first = turn % len(kinds)
        for place, kind in enumerate((*kinds[first:], *kinds[:first])):
            number = turn * len(kinds) + place
            spent_ms[kind] = await _refused_ms(app, door.wrong[kind], number)
        for kind, spent in spent_ms.items():
            later_ms[kind].append(spent - spent_ms["unknown"])
    return {kind: statistics.median(later) for kind, later in later_ms.items()}


@pytest.mark.timeout(count(120, 3600))
async def test_time_tells_nothing(door: Door) -> None:
    """Medians of refusals lie less than 0.2 ms apart, whatever is wrong with the key.

    What a few hundred tries show by chance is not shown again by others.
    """
    suspects = set(door.wrong)
    for _ in range(count(5, 1)):
        apart_ms = await _apart_ms(door, count(150, 10_000))
        suspects &= {kind for kind, apart in apart_ms.items() if abs(apart) >= MOST_APART_MS}
        if not suspects:
            break
    assert not suspects, apart_ms
