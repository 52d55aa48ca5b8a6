"""Text messages of calls: who may send them, and what stands in the way."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest_asyncio

from cordboard.call.plan import CallPlan
from cordboard.clock import SystemClock
from cordboard.dial_policy import DialLimits, DialRules
from cordboard.ports import Direction, NewCall
from cordboard.storage.database import Database, migrate
from cordboard.storage.tables import Number, Organisation
from cordboard.storage.vault import Vault
from cordboard.telephony.twilio.api import TwilioApi
from cordboard.wiring.permits import Permits
from cordboard.wiring.texts import LinkedTexts, Texts
from cordboard.wiring.twilio_accounts import Linked, TwilioAccounts
from tests.storage.test_vault import KEY

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ORGANISATION = "00000000-0000-4000-8000-000000000001"
OURS = "12025550101"


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Return a database with a number that no account carries."""
    await migrate(database_url)
    opened = Database(database_url)
    async with opened.write() as session:
        session.add(Organisation(id=ORGANISATION, name="O", created_at=NOW))
        await session.flush()
        session.add(
            Number(
                id=ORGANISATION,
                organisation_id=ORGANISATION,
                created_at=NOW,
                number=OURS,
                active=True,
                telephony_provider="sip",
            )
        )
    yield opened
    await opened.close()


def _call() -> NewCall:
    return NewCall(
        call_id="c1",
        leg_id="l1",
        organisation_id=ORGANISATION,
        direction=Direction.INBOUND,
        from_number="12025550155",
        to_number=OURS,
        carrier="sip",
        trunk_id=None,
        carrier_handle="h",
        dialog={},
        plan=CallPlan(organisation_id=ORGANISATION),
        at=NOW,
    )


def _nobody(linked: Linked) -> TwilioApi:
    raise AssertionError("nothing may be sent")


async def test_without_an_account_nothing_is_sent(database: Database) -> None:
    """Where nothing is connected, or not to our number, a text fails at once."""
    texts = Texts()
    assert await texts.send(_call(), "+12025550155", "Hi") == "no_gateway"
    permits = Permits(database, SystemClock(), DialRules(), DialLimits())
    accounts = TwilioAccounts(database, Vault(KEY, os.urandom), "US")
    texts.way = LinkedTexts(accounts, permits, "US", _nobody)
    assert await texts.send(_call(), "+12025550155", "Hi") == "no_gateway"
