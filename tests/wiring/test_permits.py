"""Policy and limits on the last step before the wire, for each organisation by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from cordboard.call.plan import CallPlan
from cordboard.dial_policy import DialLimits, DialRules, TrunkDialing
from cordboard.storage.database import Database
from cordboard.storage.tables import Call, DialAttempt, Leg
from cordboard.telephony.sip.hops import DialForbidden, DialLater
from cordboard.wiring.permits import FULL_WAIT_MS, CallPermit, Permits
from tests.databases import opened

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ORGANISATION = "00000000-0000-4000-8000-000000000001"
OTHER = "00000000-0000-4000-8000-000000000002"
NUMBER = "+12025550155"
TRUNK = TrunkDialing(prefixes=("1202", "100"))


class Clock:
    """Time that is moved by hand."""

    def __init__(self) -> None:
        self.at_ms = 50

    def now_ms(self) -> int:
        return self.at_ms

    def wall(self) -> datetime:
        return NOW + timedelta(milliseconds=self.at_ms)


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Return a database with two organisations."""
    async with opened(database_url, ORGANISATION, OTHER) as database:
        yield database


async def _dialled(database: Database, number: int, at: datetime, talked: timedelta | None) -> None:
    """Put a call on record that was dialled, and perhaps talked on."""
    call_id = f"00000000-0000-4000-9000-{number:012}"
    shared = {"organisation_id": ORGANISATION, "created_at": at}
    call = Call(
        **shared,
        id=call_id,
        direction="outbound",
        status="ended",
        from_number="12025550100",
        to_number=NUMBER.removeprefix("+"),
        agent_phone_number="12025550100",
        agent={},
        plan=CallPlan(organisation_id=ORGANISATION).to_json(),
        carrier="sip",
        telephony_provider="sip",
        started_at=at if talked else None,
        ended_at=at + (talked or timedelta(seconds=1)),
    )
    leg = Leg(**shared, id=call_id, call_id=call_id, carrier="sip", state="ended",
              carrier_handle="x", dialog={})  # fmt: skip
    async with database.write() as session:
        session.add(call)
        await session.flush()
        session.add(leg)
        session.add(DialAttempt(**shared, id=call_id, call_id=call_id, leg_id=call_id, attempt=1))


async def _permits(database: Database, clock: Clock, **limits: int | None) -> Permits:
    wide = {"concurrent_count": 9, "per_second_count": 9, "per_destination_hour_count": 9}
    permits = Permits(
        database,
        clock,
        DialRules(home_country="US"),
        DialLimits(**{**wide, **limits}),  # type: ignore[arg-type]
    )
    await permits.ready(ORGANISATION)
    await permits.ready(OTHER)
    return permits


def _permit(
    permits: Permits, organisation_id: str = ORGANISATION, trunk: TrunkDialing = TRUNK
) -> CallPermit:
    return permits.for_call(organisation_id, trunk, lambda number: number.removeprefix("+"))


async def test_policy_comes_first(database: Database) -> None:
    """What may not be dialled is refused, whatever the limits; what may is spelt for its trunk."""
    permit = _permit(await _permits(database, Clock()))
    assert permit.dial(NUMBER) == "12025550155"
    with pytest.raises(DialForbidden, match="begin so"):
        permit.dial("+19005550155")
    with pytest.raises(DialForbidden, match="emergency"):
        permit.dial("911")


async def test_rate_makes_wait(database: Database) -> None:
    """Above the rate a dial waits for as long as it takes, then it may go."""
    clock = Clock()
    permits = await _permits(database, clock, per_second_count=2)
    for offset in (0, 300):
        clock.at_ms = 50 + offset
        _permit(permits).dial(f"{NUMBER[:-1]}{offset // 100}")
    late = _permit(permits)
    with pytest.raises(DialLater) as later:
        late.dial(NUMBER)
    assert later.value.wait_ms == 700
    clock.at_ms += later.value.wait_ms
    assert late.dial(NUMBER)


async def test_destination_limit(database: Database) -> None:
    """Each organisation may dial the same number so often in an hour; then it is refused."""
    permits = await _permits(database, Clock(), per_destination_hour_count=2)
    for _ in range(2):
        _permit(permits).dial(NUMBER)
    with pytest.raises(DialForbidden, match="too often"):
        _permit(permits).dial(NUMBER)
    assert _permit(permits).dial(f"{NUMBER[:-1]}0")
    assert _permit(permits, OTHER).dial(NUMBER)


async def test_asking_again_counts_once(database: Database) -> None:
    """A call that asks for its number again, for another address of its trunk, counts once."""
    permits = await _permits(database, Clock(), per_destination_hour_count=1)
    permit = _permit(permits)
    assert {permit.dial(NUMBER) for _ in range(5)} == {"12025550155"}
    with pytest.raises(DialForbidden):
        _permit(permits).dial(NUMBER)


async def test_full_house_makes_wait(database: Database) -> None:
    """Above the count at a time a dial waits; a redirected call takes no second place."""
    permits = await _permits(database, Clock(), concurrent_count=1)
    first, second = _permit(permits), _permit(permits)
    first.dial(NUMBER)
    first.dial(f"{NUMBER[:-1]}0")
    with pytest.raises(DialLater) as later:
        second.dial(NUMBER)
    assert later.value.wait_ms == FULL_WAIT_MS
    first.over(1_000)
    first.over(1_000)
    assert second.dial(NUMBER)


async def test_minutes_of_a_day(database: Database) -> None:
    """When the minutes are used up, nothing is dialled any more."""
    permits = await _permits(database, Clock(), per_day_minutes=2)
    permit = _permit(permits)
    permit.dial(NUMBER)
    permit.over(120_000)
    with pytest.raises(DialForbidden, match="minutes"):
        _permit(permits).dial(NUMBER)


async def test_what_costs_nothing_is_not_counted(database: Database) -> None:
    """Extensions, and a trunk that dials anything (a test bench), know no limits."""
    permits = await _permits(database, Clock(), per_destination_hour_count=1, per_second_count=1)
    for _ in range(5):
        assert _permit(permits).dial("100") == "100"
        assert _permit(permits, trunk=TrunkDialing(allow_any=True)).dial(NUMBER)
    assert _permit(permits).dial(NUMBER)


async def test_a_restart_forgets_nothing(database: Database) -> None:
    """Dials of the last hour and minutes of the last day count for a server that was restarted."""
    await _dialled(database, 1, NOW - timedelta(minutes=50), None)
    await _dialled(database, 2, NOW - timedelta(minutes=70), None)
    await _dialled(database, 3, NOW - timedelta(hours=5), timedelta(minutes=2))
    clock = Clock()
    permits = await _permits(database, clock, per_destination_hour_count=2)
    _permit(permits).dial(NUMBER)
    with pytest.raises(DialForbidden, match="too often"):
        _permit(permits).dial(NUMBER)
    with pytest.raises(DialForbidden, match="minutes"):
        _permit(await _permits(database, clock, per_day_minutes=2)).dial(NUMBER)
    clock.at_ms += 11 * 60_000
    _permit(permits).dial(NUMBER)
