"""The doctor's short real requests: what answers, and what is said of what does not."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import cast

import httpx
import pytest

from cordboard.control.app import create_app
from cordboard.control.keys.service import ensure_owner
from cordboard.settings import Settings
from cordboard.storage.database import migrate
from cordboard.telephony.sip.ping import NoAnswer, ping
from cordboard.wiring.checkup import Verdict, check_carriers, check_vendors
from cordboard.wiring.providers import build_providers
from tests.control.server import OWNER_KEY, Engine, services_on
from tests.fakes.chat import FakeChat
from tests.fakes.listen import FakeListen
from tests.fakes.serving import Faults
from tests.fakes.speech import FakeSpeech
from tests.fakes.twilio_rest import ACCOUNT_SID, AUTH_TOKEN, FakeRest

KEY = "key-1"


@asynccontextmanager
async def _vendors() -> AsyncIterator[tuple[FakeChat, FakeListen, FakeSpeech]]:
    chat, listen, speech = FakeChat(), FakeListen(), FakeSpeech()
    async with chat.running(), listen.running(), speech.running():
        yield chat, listen, speech


async def _verdicts(tmp_path: Path, **given: str) -> list[Verdict]:
    settings = Settings.from_environment(
        {f"CORDBOARD_{name.upper()}": text for name, text in given.items()}
        | {"CORDBOARD_DATA_DIR": str(tmp_path), "CORDBOARD_SPEECH_WORKERS": "0"}
    )
    async with AsyncExitStack() as stack:
        return await check_vendors(await build_providers(settings, stack))


async def test_vendors_that_answer(tmp_path: Path) -> None:
    """Each vendor is asked for something small, and what it took is told."""
    async with _vendors() as (chat, listen, speech):
        verdicts = await _verdicts(
            tmp_path,
            openai_base_url=chat.url,
            openai_api_key=KEY,
            deepgram_base_url=listen.url,
            deepgram_api_key=KEY,
            elevenlabs_base_url=speech.url,
            elevenlabs_api_key=KEY,
        )
    assert [each.level for each in verdicts] == ["ok"] * 3
    assert (len(chat.requests), len(listen.queries)) == (1, 1)
    assert speech.voices


@pytest.mark.parametrize(
    ("faults", "key", "advice"),
    [
        (Faults(), "wrong", "set CORDBOARD_OPENAI_API_KEY"),
        (Faults(refuse=429), KEY, "over its quota"),
        (Faults(refuse=400), KEY, "see that CORDBOARD_OPENAI_MODEL"),
        (Faults(refuse=503), KEY, "see CORDBOARD_OPENAI_BASE_URL"),
        (Faults(garble_at=0), KEY, "is the right address"),
    ],
)
async def test_what_is_wrong_and_how_to_mend_it(
    tmp_path: Path, faults: Faults, key: str, advice: str
) -> None:
    """A refusal names the setting to look at, never the key nor the vendor's words."""
    async with FakeChat(faults=faults).running() as chat:
        (verdict,) = await _verdicts(tmp_path, openai_base_url=chat.url, openai_api_key=key)
    assert verdict.level == "problem"
    assert advice in verdict.text
    assert "upstream" not in verdict.text
    assert "wrong" not in verdict.text.replace("is wrong", "")


@pytest.mark.parametrize(
    ("token", "level", "said"),
    [
        (AUTH_TOKEN, "ok", "is accepted by its carrier"),
        ("wrong", "problem", "compare sid and token"),
    ],
)
async def test_a_linked_account(tmp_path: Path, token: str, level: str, said: str) -> None:
    """A linked account is asked about itself; a wrong token is told, and never shown."""
    async with FakeRest().running() as rest:
        given = {"data_dir": str(tmp_path), "twilio_base_url": rest.url}
        url = f"sqlite+aiosqlite:///{tmp_path}/cordboard.db"
        await migrate(url)
        services = services_on(url, Engine())
        await ensure_owner(services, OWNER_KEY)
        credentials = {"twilio_account_sid": ACCOUNT_SID, "twilio_auth_token": token}
        transport = httpx.ASGITransport(create_app(services))
        headers = {"Authorization": f"Bearer {OWNER_KEY}"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://here", headers=headers
        ) as http:
            body = {"type": "account_connection_twilio", "credentials": credentials}
            assert (await http.post("/v1/account_connections/create", json=body)).is_success
        settings = Settings.from_environment({}, given)
        (verdict,) = await check_carriers(settings, services.database, services.vault)
        await services.database.close()
    assert (verdict.level, rest.requests) == (level, 1)
    assert said in verdict.text
    assert token not in verdict.text.replace("wrong token", "")


class _Peer(asyncio.DatagramProtocol):
    """Answers the second request only, as after a lost datagram."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.requests.append(data)
        if len(self.requests) == 2 and self._transport is not None:
            head = data.split(b"\r\n", 1)[1]
            self._transport.sendto(b"garbage", addr)
            self._transport.sendto(b"SIP/2.0 404 Not Found\r\n" + head, addr)


async def test_a_trunk_that_answers() -> None:
    """Any final answer to OPTIONS shows that somebody is there; a lost one is sent again."""
    loop = asyncio.get_running_loop()
    transport, peer = await loop.create_datagram_endpoint(_Peer, ("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    try:
        assert await ping(f"sip:100@127.0.0.1:{port};transport=udp", "abc") == 404
    finally:
        transport.close()
    assert peer.requests[0].startswith(b"OPTIONS sip:100@127.0.0.1")
    assert peer.requests[0] == peer.requests[1]


@pytest.mark.parametrize("target", ["tel:123", "sip:", "sip:no.such.name.invalid"])
async def test_a_trunk_that_cannot_be_asked(target: str) -> None:
    """What is wrong is said in words."""
    with pytest.raises(NoAnswer, match=r"is no SIP URI|not known"):
        await ping(target, "abc")


async def test_a_trunk_where_nobody_is() -> None:
    """A closed port is told at once."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(NoAnswer):
        await ping(f"sip:127.0.0.1:{port}", "abc")
