"""A server with a number of a linked account, and the carrier beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from cordboard.media.codec import PCMU, new_decoder, new_encoder
from cordboard.media.tone_code import ToneDecoder, encode
from tests.e2e.robustness.caller import until
from tests.e2e.robustness.house import PROGRAM
from tests.e2e.server import GREETING, NUMBER, Json, Server
from tests.fakes.twilio_call import FakeCall
from tests.fakes.twilio_media import FakeStream
from tests.fakes.twilio_rest import ACCOUNT_SID, AUTH_TOKEN, FakeRest

PUBLIC_URL = "https://voice.example.com"
VOICE = f"/twilio/voice/{NUMBER.lstrip('+')}"


@dataclass
class Linked:
    """A started server, the carrier's API, and what was made on the server."""

    server: Server
    rest: FakeRest
    connection: Json
    agent: Json

    def call(self, call_sid: str = "CA" + "1" * 32, token: str = AUTH_TOKEN) -> FakeCall:
        """Return a call at the carrier: from outside, or the one we placed."""
        port = int(self.server.api.base_url.port or 0)
        phone = FakeStream(port, token, call_sid)
        return FakeCall(port, PUBLIC_URL, token, phone, account_sid=ACCOUNT_SID)

    async def over(self, call_id: str, wait_s: float = 15.0) -> Json:
        """Wait until a call is over, and return it."""
        found: Json = {}

        async def ended() -> bool:
            answer = await asyncio.to_thread(
                lambda: self.server.api.get("/x/v1/calls", params={"id": call_id})
            )
            found.update(answer.json())
            return found["status"] in ("ended", "error")

        await until(ended, wait_s, lambda: found)
        return found


@asynccontextmanager
async def linked(
    directory: Path, number: str = NUMBER, *, leads: bool = False
) -> AsyncIterator[Linked]:
    """Run a server and the carrier within the block; with ``leads`` the account has the number,
    and is asked to lead it here.
    """
    async with FakeRest().running() as rest:
        settings = options(rest)
        if leads:
            rest.owns(number)
            settings["twilio_numbers"] = "on"
        server = Server(directory, settings, PROGRAM)
        await asyncio.to_thread(server.start)
        try:
            yield furnished(server, rest, number)
        finally:
            code = await asyncio.to_thread(server.stop)
        assert code == 0
        assert not server.mistakes()


def options(rest: FakeRest) -> dict[str, str]:
    """Return the settings of a server at this carrier."""
    return {
        "public_url": PUBLIC_URL,
        "twilio_base_url": rest.url,
        "twilio_numbers": "off",
        "dial_countries": "US",
        "calls_max_count": "50",
    }


def furnished(server: Server, rest: FakeRest, number: str = NUMBER) -> Linked:
    """Link an account and a number of it that rings an agent."""
    connection = server.create(
        "/v1/account_connections/create",
        {
            "type": "account_connection_twilio",
            "credentials": {"twilio_account_sid": ACCOUNT_SID, "twilio_auth_token": AUTH_TOKEN},
        },
    )
    bye = server.create("/v1/actions/create", {"type": "action_end_conversation", "config": {}})
    hand_over = server.create(
        "/v1/actions/create",
        {"type": "action_transfer_call", "config": {"phone_number": "12025550155"}},
    )
    agent = server.create(
        "/v1/agents/create",
        {
            "prompt": {"content": "Obey."},
            "voice": {"type": "voice_vocode", "voice_id": "joe"},
            "initial_message": GREETING,
            "actions": [bye["id"], hand_over["id"]],
        },
    )
    server.create(
        "/v1/numbers/link",
        {
            "phone_number": number,
            "telephony_account_connection": connection["id"],
            "inbound_agent": agent["id"],
        },
    )
    return Linked(server, rest, connection, agent)


def tones(text: str) -> bytes:
    """Return words as tone code, in the phone's encoding."""
    pcm, _ = encode(text, PCMU.rate_hz)
    return new_encoder(PCMU).from_pcm(pcm)


def words(sound: bytes) -> str:
    """Return the words of tone code."""
    return " ".join(
        heard.word for heard in ToneDecoder(PCMU.rate_hz).push(new_decoder(PCMU).to_pcm(sound))
    )
