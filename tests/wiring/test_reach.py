"""Nothing of SIP goes inside: not by a target, a registration, a try of it, nor by an SDP."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from cordboard.clock import SystemClock
from cordboard.ids import Randomness
from cordboard.sip.config import UserAgentConfig
from cordboard.storage.tables import SipTrunk
from cordboard.storage.vault import Vault
from cordboard.telephony.sip.endpoint import SipEndpoint
from cordboard.telephony.sip.location import Locator, NameService
from cordboard.telephony.sip.media_choice import MediaRefused, choose
from cordboard.telephony.sip.ping import NoAnswer, ping
from cordboard.wiring.reach import TrunkReach
from cordboard.wiring.registrations import TrunkRegistrations
from tests.egress.vectors import METADATA
from tests.storage.test_vault import KEY

SHUT, LOOPBACK_OPEN = TrunkReach(()), TrunkReach((ip_network("127.0.0.0/8"),))
SPELLINGS = ("127.0.0.1", "localhost", "127.1", "0x7f.1", "2130706433", "0177.0.0.1")


class Canary(asyncio.DatagramProtocol):
    """Notes what it is sent."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()
        self.port = 0

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.heard.put_nowait(data)


@pytest_asyncio.fixture
async def canary() -> AsyncIterator[Canary]:
    """Return a socket of this machine that nothing of SIP must reach."""
    loop = asyncio.get_running_loop()
    transport, made = await loop.create_datagram_endpoint(Canary, local_addr=("127.0.0.1", 0))
    made.port = transport.get_extra_info("sockname")[1]
    yield made
    transport.close()


@pytest_asyncio.fixture
async def endpoint() -> AsyncIterator[SipEndpoint]:
    """Return a signalling socket of ours."""
    made = SipEndpoint(
        lambda port: UserAgentConfig(("127.0.0.1", port)),
        *(SystemClock(), Randomness.system().token, lambda offer: None),
    )
    await made.start("127.0.0.1", 0)
    yield made
    await made.stop(0)


def _registrations(endpoint: SipEndpoint, reach: TrunkReach) -> TrunkRegistrations:
    locator = Locator(NameService(), SystemClock(), lambda end: 0)
    return TrunkRegistrations(endpoint, Vault(KEY, os.urandom), locator, reach)


def _trunk(target: str) -> SipTrunk:
    fields = {"register": True, "target": target, "register_user": "u", "networks": []}
    shared = {"organisation_id": "o", "created_at": datetime.now(UTC)}
    return SipTrunk(**shared, id="t", name="t", fields=fields, secrets={})


async def test_nothing_is_registered_inside(canary: Canary, endpoint: SipEndpoint) -> None:
    """However this machine is spelt, no REGISTER and no OPTIONS arrive; opened, they do."""
    for host in SPELLINGS:
        target = f"sip:{host}:{canary.port}"
        await _registrations(endpoint, SHUT).follow([_trunk(target)])
        with pytest.raises(NoAnswer, match="not open to trunks"):
            await ping(target, "tag", permits=SHUT.judge(by_operator=False))
    await asyncio.sleep(0.05)
    assert canary.heard.empty()
    await _registrations(endpoint, LOOPBACK_OPEN).follow([_trunk(f"sip:127.0.0.1:{canary.port}")])
    async with asyncio.timeout(5):
        assert (await canary.heard.get()).startswith(b"REGISTER")


def _sdp(host: str) -> bytes:
    kind = "IP6" if ":" in host else "IP4"
    lines = f"v=0\r\no=- 1 1 IN {kind} {host}\r\ns=-\r\nc=IN {kind} {host}\r\nt=0 0\r\n"
    return f"{lines}m=audio 4000 RTP/AVP 0\r\n".encode()


PUBLIC, INSIDE = "8.8.8.8", "10.0.0.5"


@pytest.mark.parametrize(
    ("host", "peer", "goes"),
    [
        (PUBLIC, PUBLIC, True),
        ("1.1.1.1", PUBLIC, True),
        (INSIDE, PUBLIC, False),
        ("127.0.0.1", PUBLIC, False),
        ("100.64.0.1", PUBLIC, False),
        ("fd00::1", PUBLIC, False),
        (INSIDE, INSIDE, True),
        ("192.168.1.9", INSIDE, True),
        ("127.0.0.1", INSIDE, False),
        (INSIDE, "127.0.0.1", True),
        ("224.0.0.1", INSIDE, False),
        *((address.strip("[]"), peer, False) for address in METADATA for peer in (PUBLIC, INSIDE)),
    ],
)
def test_where_sound_goes(host: str, peer: str, goes: bool) -> None:
    """A peer outside cannot have sound sent inside, and nobody to metadata."""
    if "." in host and not host[-1].isdigit():
        assert not SHUT.sound(host, peer)
    elif goes:
        _, choice = choose(_sdp(host), ("PCMU/8000",), (peer, 5060), SHUT.sound)
        assert choice.audio.remote == (host, 4000)
    else:
        with pytest.raises(MediaRefused, match="c: "):
            choose(_sdp(host), ("PCMU/8000",), (peer, 5060), SHUT.sound)


def test_opened_networks_take_sound() -> None:
    """What the operator opened may be named by a peer outside, too."""
    assert LOOPBACK_OPEN.sound("127.0.0.1", PUBLIC)
    assert not LOOPBACK_OPEN.sound(INSIDE, PUBLIC)


@given(st.ip_addresses())
def test_an_outsider_names_public_hosts_only(address: object) -> None:
    """Of all addresses, those that sound may be sent to for a public peer are global ones."""
    host = str(address)
    if SHUT.sound(host, PUBLIC):
        assert ip_address(host).is_global or host == PUBLIC
        assert SHUT.judge(by_operator=False)((host, 5060))
