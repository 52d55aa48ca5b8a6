"""From a call that was asked for to its route; redirections are no way around the policy."""

from __future__ import annotations

import os
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from ipaddress import ip_network

import phonenumbers
import pytest
import pytest_asyncio

from cordboard.call.plan import CallPlan
from cordboard.clock import SystemClock
from cordboard.dial_policy import DialLimits, DialRules
from cordboard.storage.database import Database, migrate
from cordboard.storage.outbound_calls import WantedCall
from cordboard.storage.tables import Number, Organisation, SipTrunk
from cordboard.storage.vault import Vault
from cordboard.telephony.sip.hops import DialForbidden, DialLater
from cordboard.telephony.sip.location import Locator, NameService
from cordboard.telephony.sip.route import Route
from cordboard.wiring.dialling import Dialling
from cordboard.wiring.permits import Permits
from cordboard.wiring.reach import TrunkReach
from tests.counts import count
from tests.dial_policy.test_decision import _spelling as spelling
from tests.storage.test_vault import KEY

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ORGANISATION = "00000000-0000-4000-8000-000000000001"
TRUNK = "00000000-0000-4000-8000-000000000002"
OURS = "12025550101"
OTHER = "12025550102"
OPEN = TrunkReach((ip_network("192.0.2.0/24"), ip_network("198.51.100.0/24")))


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Return a database with an organisation, a number and a trunk."""
    await migrate(database_url)
    opened = Database(database_url)
    shared = {"organisation_id": ORGANISATION, "created_at": NOW}
    fields = {
        "target": "sip:192.0.2.1:5070",
        "networks": ["198.51.100.0/24"],
        "transport": "udp",
        "number_format": "national",
    }
    async with opened.write() as session:
        session.add(Organisation(id=ORGANISATION, name="O", created_at=NOW))
        await session.flush()
        session.add(SipTrunk(**shared, id=TRUNK, name="t", fields=fields, secrets={}))
        await session.flush()
        session.add(
            Number(
                **shared,
                id=TRUNK,
                number=OURS,
                active=True,
                trunk_id=TRUNK,
                telephony_provider="sip",
            )
        )
    yield opened
    await opened.close()


async def _route(
    database: Database,
    reach: TrunkReach = OPEN,
    caller: tuple[str, str | None] = ("", None),
    **limits: int,
) -> Route:
    wide = {"per_second_count": 10**6, "per_destination_hour_count": 10**6}
    clock = SystemClock()
    tokens = iter(f"token{each}" for each in range(9))
    dialling = Dialling(
        database=database,
        vault=Vault(KEY, os.urandom),
        permits=Permits(
            database,
            clock,
            DialRules(countries=frozenset({"US"}), home_country="US"),
            DialLimits(**{**wide, **limits}),
        ),
        locator=Locator(NameService(), clock, lambda end: 0),
        reach=reach,
        home_country="US",
        sender_host=lambda: "192.0.2.9:5060",
        new_token=lambda: next(tokens),
    )
    wanted = WantedCall(
        call_id="c",
        organisation_id=ORGANISATION,
        from_number=OURS,
        to_number="12127365000",
        trunk_id=TRUNK,
        carrier="sip",
        plan=CallPlan(organisation_id=ORGANISATION),
        created_at=NOW,
        params={"Timeout": "20", "SendDigits": "w1"},
        caller_name=caller[0],
        caller_number=caller[1],
    )
    route, spelt = await dialling.route(wanted)
    assert spelt == "2127365000"
    return route


async def test_route(database: Database) -> None:
    """A route has the trunk's address, both numbers as the trunk spells them, and its limits."""
    route = await _route(database)
    assert (route.destination, route.host) == (("192.0.2.1", 5070), "192.0.2.1:5070")
    assert (route.sender, route.permit()) == ("2025550101", "2127365000")
    assert (route.ring_limit_ms, route.digits) == (20_000, "w1")


@pytest.mark.parametrize(
    ("allowed", "caller", "shown"),
    [
        (None, ("Desk", None), ("2025550101", "Desk", "", True)),
        (None, ("Desk", OURS), ("2025550101", "Desk", "", True)),
        (None, ("", "4930555010"), ("2025550101", "", "", False)),
        ("own", ("Ada", "4930555010"), ("2025550101", "Ada", "", False)),
        ("from", ("Ada", "4930555010"), ("+4930555010", "Ada", "", True)),
        ("asserted", ("Ada", "4930555010"), ("2025550101", "Ada", "+4930555010", True)),
        ("own", ("", OTHER), ("2025550102", "", "", True)),
        ("asserted", ("", OTHER), ("2025550102", "", "", True)),
    ],
)
async def test_who_is_shown(
    database: Database,
    allowed: str | None,
    caller: tuple[str, str | None],
    shown: tuple[str, str, str, bool],
) -> None:
    """Names and numbers of the organisation are shown always; others as the trunk allows."""
    async with database.write() as session:
        trunk = await session.get_one(SipTrunk, TRUNK)
        trunk.fields = {**trunk.fields, "caller_id": allowed}
        other = Number(
            id=ORGANISATION,
            organisation_id=ORGANISATION,
            created_at=NOW,
            trunk_id=TRUNK,
            number=OTHER,
            active=True,
            telephony_provider="sip",
        )
        session.add(other)
    route = await _route(database, caller=caller)
    assert (route.sender, route.sender_name, route.asserted, route.shown_as_wished) == shown


async def test_redirected_within_the_trunk(database: Database) -> None:
    """A contact in the trunk's networks is followed to its own address, its number judged."""
    hop = await (await _route(database)).follow("sip:+12127365001@198.51.100.7:5080")
    assert (hop.destination, hop.number) == (("198.51.100.7", 5080), "+12127365001")
    assert hop.permit() == "2127365001"


async def test_redirections_share_the_limits(database: Database) -> None:
    """The number that a redirection brings counts as dialled, like any other."""
    route = await _route(database, per_second_count=1)
    route.permit()
    hop = await route.follow("sip:+12127365001@192.0.2.1:5070")
    with pytest.raises(DialLater) as later:
        hop.permit()
    assert 0 < later.value.wait_ms <= 1_000


def _contact(chance: random.Random) -> str:
    user = spelling(chance).replace(" ", chance.choice(("", "%20", "-")))
    if chance.random() < 0.2:
        user = f"+1212736{chance.randrange(10_000):04}"
    host = chance.choice(("192.0.2.1:5070", "192.0.2.1", "198.51.100.9", "203.0.113.5", "[::1]"))
    tail = chance.choice(("", "", ";user=phone", ";transport=tcp", "?X=1", ";maddr=203.0.113.5"))
    scheme = chance.choice(("sip:", "sip:", "sip:", "sips:", "tel:", "SIP:", ""))
    return f"{scheme}{user}@{host}{tail}" if scheme != "tel:" else f"tel:{user}"


async def test_no_redirection_gets_past(database: Database) -> None:
    """Whatever a 3xx says, what is dialled is a valid number of an open country at the trunk."""
    chance = random.Random("redirections")
    route = await _route(database)
    followed = 0
    for _ in range(count(1_500, 10_000)):
        contact = _contact(chance)
        try:
            hop = await route.follow(contact)
        except DialForbidden:
            continue
        followed += 1
        assert hop.destination[0].startswith(("192.0.2.1", "198.51.100.")), contact
        number = phonenumbers.parse(hop.number, None)
        assert phonenumbers.is_valid_number(number), contact
        assert phonenumbers.region_code_for_number(number) == "US", contact
        assert hop.permit() == phonenumbers.national_significant_number(number)
    assert followed > 20


async def _change(database: Database, **fields: object) -> None:
    async with database.write() as session:
        trunk = await session.get_one(SipTrunk, TRUNK)
        trunk.fields = {**trunk.fields, **fields}


@pytest.mark.parametrize(
    "target",
    [
        "sip:10.0.0.5",
        "sip:localhost:5070",
        "sip:127.0.0.1:5070",
        "sip:100.64.0.1",
        "sip:8.8.8.8:53",
    ],
)
async def test_no_trunk_leads_inside(database: Database, target: str) -> None:
    """An address inside, or a low port, ends the call by name: it is judged where it is sent."""
    await _change(database, target=target)
    with pytest.raises(DialForbidden, match=r"target leads to .*CORDBOARD_OPEN_NETWORKS"):
        await _route(database)
    await _change(database, by_operator=True)
    assert (await _route(database)).destination[1] in (53, 5060, 5070)


async def test_nobody_leads_to_metadata(database: Database) -> None:
    """Where clouds keep credentials nobody leads, an operator neither."""
    await _change(database, target="sip:169.254.169.254:5060", by_operator=True)
    with pytest.raises(DialForbidden, match="target leads to"):
        await _route(database)


async def test_no_redirection_inside(database: Database) -> None:
    """A trunk's own networks open nothing: what a redirection names is judged like a target."""
    await _change(database, networks=["10.0.0.0/8", "198.51.100.0/24"])
    route = await _route(database)
    assert (await route.follow("sip:+12127365001@198.51.100.7")).destination[0] == "198.51.100.7"
    with pytest.raises(DialForbidden, match="not open to trunks"):
        await route.follow("sip:+12127365001@10.1.2.3")
