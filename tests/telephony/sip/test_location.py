"""From a trunk's target to addresses, by the records of RFC 3263."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import cast

import dns.asyncresolver
import dns.flags
import dns.message
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.telephony.sip.location import (
    ADDRESSES_MAX,
    DEAD_FOR_MS,
    Locator,
    NameService,
    Naming,
    NotLocated,
    Service,
    in_turn,
)


class Clock:
    """Time that stands still until it is moved."""

    def __init__(self) -> None:
        self.at_ms = 1_000

    def now_ms(self) -> int:
        return self.at_ms

    def wall(self) -> object:
        raise AssertionError("monotonic time only")


def anywhere(address: tuple[str, int]) -> bool:
    """Permit every address."""
    return True


class Records:
    """A name service of fixed records."""

    def __init__(
        self,
        naming: Sequence[Naming] = (),
        services: dict[str, list[Service]] | None = None,
        addresses: dict[str, list[str]] | None = None,
    ) -> None:
        self.asked: list[str] = []
        self._naming = naming
        self._services = services or {}
        self._addresses = addresses or {}

    async def naming(self, domain: str) -> Sequence[Naming]:
        self.asked.append(f"NAPTR {domain}")
        return self._naming

    async def services(self, name: str) -> Sequence[Service]:
        self.asked.append(f"SRV {name}")
        return self._services.get(name, [])

    async def addresses(self, host: str) -> Sequence[str]:
        self.asked.append(f"A {host}")
        return self._addresses.get(host, [])


def _locator(records: Records, clock: Clock | None = None) -> Locator:
    return Locator(records, clock or Clock(), lambda end: 0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("sip:192.0.2.1", ("192.0.2.1", 5060)),
        ("sip:user@192.0.2.1:5070;lr", ("192.0.2.1", 5070)),
        ("sip:[2001:db8::1]", ("2001:db8::1", 5060)),
    ],
)
async def test_addresses_are_taken_as_they_are(uri: str, expected: tuple[str, int]) -> None:
    """An address needs no name service."""
    records = Records()
    assert await _locator(records).locate(uri, anywhere) == (expected,)
    assert records.asked == []


async def test_a_port_names_the_host() -> None:
    """With a port, only the host's own addresses count (RFC 3263 4.2)."""
    records = Records(addresses={"pbx.example": ["192.0.2.1", "192.0.2.2"]})
    found = await _locator(records).locate("sip:pbx.example:5080", anywhere)
    assert found == (("192.0.2.1", 5080), ("192.0.2.2", 5080))
    assert records.asked == ["A pbx.example"]


async def test_naming_leads_to_services() -> None:
    """NAPTR for UDP names the services; those for other transports are passed over."""
    records = Records(
        [
            Naming(10, 10, "SIPS+D2T", "_sips._tcp.t.example"),
            Naming(20, 20, "SIP+D2U", "second.example"),
            Naming(20, 10, "SIP+D2U", "first.example"),
        ],
        {"first.example": [Service(1, 0, 5061, "a.example"), Service(0, 0, 5062, "b.example")]},
        {"a.example": ["192.0.2.1"], "b.example": ["192.0.2.2", "192.0.2.3"]},
    )
    found = await _locator(records).locate("sip:t.example", anywhere)
    assert found == (("192.0.2.2", 5062), ("192.0.2.3", 5062), ("192.0.2.1", 5061))
    assert "SRV second.example" not in records.asked


async def test_services_without_naming() -> None:
    """Without NAPTR the service of UDP is asked for; without that the host itself."""
    services = {"_sip._udp.t.example": [Service(0, 0, 5099, "a.example")]}
    addresses = {"a.example": ["192.0.2.1"], "t.example": ["192.0.2.9"]}
    assert await _locator(Records((), services, addresses)).locate("sip:t.example", anywhere) == (
        ("192.0.2.1", 5099),
    )
    assert await _locator(Records((), {}, addresses)).locate("sip:t.example", anywhere) == (
        ("192.0.2.9", 5060),
    )


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("sip:nowhere.example", "no address"),
        ("sips:t.example", "only sip:"),
        ("sip:192.0.2.1;transport=TCP", "by udp"),
        ("mailto:ann@t.example", "scheme"),
        ("sip:closed.example", "no address"),
    ],
)
async def test_what_cannot_be_located(uri: str, why: str) -> None:
    """What has no address is one clear error; a service of ``.`` is not there (RFC 2782)."""
    closed = {"_sip._udp.closed.example": [Service(0, 0, 5060, ".")]}
    with pytest.raises(NotLocated, match=why):
        await _locator(Records((), closed, {"closed.example": ["192.0.2.1"]})).locate(uri, anywhere)


async def test_dead_addresses_come_last_for_a_while() -> None:
    """What did not work is tried after the others, and first again a minute later."""
    clock = Clock()
    records = Records(addresses={"t.example": ["192.0.2.1", "192.0.2.2"]})
    locator = _locator(records, clock)
    first, second = await locator.locate("sip:t.example:5060", anywhere)
    locator.dead(first)
    assert await locator.locate("sip:t.example:5060", anywhere) == (second, first)
    clock.at_ms += DEAD_FOR_MS + 1
    assert await locator.locate("sip:t.example:5060", anywhere) == (first, second)


async def test_only_so_many_addresses() -> None:
    """However many records there are, a call gets eight addresses at most."""
    many = {"t.example": [f"192.0.2.{n}" for n in range(1, 99)]}
    found = await _locator(Records(addresses=many)).locate("sip:t.example:5060", anywhere)
    assert len(found) == ADDRESSES_MAX


@given(
    st.lists(st.builds(Service, st.integers(0, 3), st.integers(0, 65_535), st.just(1), st.text())),
    st.randoms(use_true_random=False),
)
def test_each_service_has_its_turn(services: list[Service], chance: random.Random) -> None:
    """Each service comes once, by rising priority."""
    ordered = in_turn(services, chance.randrange)
    assert Counter(ordered) == Counter(services)
    assert [each.priority for each in ordered] == sorted(each.priority for each in services)


def test_weight_is_chance() -> None:
    """Of one priority, weights 3 and 1 come first three times in four (RFC 2782)."""
    chance = random.Random("weights")
    heavy, light = Service(0, 30, 1, "heavy"), Service(0, 10, 1, "light")
    first = Counter(in_turn([light, heavy], chance.randrange)[0].host for _ in range(4_000))
    assert 0.71 <= first["heavy"] / 4_000 <= 0.79


RECORDS = {
    ("t.example.", "NAPTR"): ['10 10 "s" "SIP+D2U" "" _sip._udp.t.example.'],
    ("_sip._udp.t.example.", "SRV"): ["1 0 5062 localhost.", "0 0 5061 localhost."],
}


class _Zone(asyncio.DatagramProtocol):
    """A name server on the wire, by dnspython's own reader and writer of messages."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        question = query.question[0]
        texts = RECORDS.get((question.name.to_text(), question.rdtype.name))
        if texts:
            answer.answer.append(
                dns.rrset.from_text(question.name, 60, "IN", question.rdtype, *texts)
            )
        self._transport.sendto(answer.to_wire(), addr)


@asynccontextmanager
async def _name_server() -> AsyncIterator[int]:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(_Zone, local_addr=("127.0.0.1", 0))
    try:
        yield int(transport.get_extra_info("sockname")[1])
    finally:
        transport.close()


async def test_records_on_the_wire() -> None:
    """Real NAPTR and SRV answers are read; a question without an answer is an empty one."""
    async with _name_server() as port:
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], port
        service = NameService(resolver)
        locator = Locator(service, Clock(), lambda end: 0)  # type: ignore[arg-type]
        found = await locator.locate("sip:t.example", anywhere)
        assert found == (("127.0.0.1", 5061), ("127.0.0.1", 5062))
        assert await service.services("_sip._udp.other.example") == []
