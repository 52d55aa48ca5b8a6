"""A server full of marks, and everything around it, failing and telling tales."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from aiohttp import web

from tests.e2e.secrecy.canaries import FOREIGN, PERSONAL, SECRETS
from tests.e2e.server import NUMBER, Json, Server
from tests.fakes.chat import FakeChat
from tests.fakes.serving import serving
from tests.fakes.twilio_rest import ACCOUNT_SID

EVENTS = [
    *("event_message", "event_action", "event_phone_call_connected", "event_phone_call_ended"),
    *("event_transcript", "event_recording"),
]
ACTION = "note"


@dataclass
class House:
    """The server and the doubles of vendors, receivers and carriers at ``outside``."""

    server: Server
    chat: FakeChat
    outside: str
    refused: list[httpx.Response] = field(default_factory=list)
    made: dict[str, Json] = field(default_factory=dict)

    def make(self, path: str, content: Json) -> str:
        """Create something, keep what came back, and return its id."""
        self.made[path] = self.server.create(path, content)
        return str(self.made[path]["id"])


def options(outside: str, chat: FakeChat) -> dict[str, str]:
    """Return the settings that are given in the open."""
    return {
        "bootstrap_key": SECRETS["bootstrap_key"],
        "log_level": "debug",
        "openai_base_url": chat.url,
        "twilio_base_url": outside,
        "public_url": "https://voice.example.com",
        "dial_countries": "US",
        "speech_workers": "1",
    }


VARIABLES = {
    "CORDBOARD_OPENAI_API_KEY": SECRETS["openai_setting"],
    "CORDBOARD_DEEPGRAM_API_KEY": SECRETS["deepgram_setting"],
    "CORDBOARD_ELEVENLABS_API_KEY": SECRETS["elevenlabs_setting"],
}


async def _context(_: web.Request) -> web.Response:
    return web.json_response({"name": PERSONAL["context"]})


async def _act(_: web.Request) -> web.Response:
    return web.json_response({"result": {"is": PERSONAL["result"]}})


async def _hook(_: web.Request) -> web.Response:
    return web.Response(status=500, text=FOREIGN["receiver"])


async def _carrier(_: web.Request) -> web.Response:
    return web.json_response({"code": 20003, "message": FOREIGN["carrier"]}, status=401)


def _outside() -> web.Application:
    app = web.Application()
    app.router.add_get("/context", _context)
    app.router.add_post("/act", _act)
    app.router.add_post("/hook", _hook)
    app.router.add_route("*", "/2010-04-01/{rest:.*}", _carrier)
    return app


@asynccontextmanager
async def furnished(directory: Path) -> AsyncIterator[House]:
    """Start everything, and make one of each resource with a mark in each of its fields."""
    chat = FakeChat(key=SECRETS["openai_setting"], tokens=["Well, ", PERSONAL["reply"], "."])
    async with chat.running(), serving(_outside()) as host:
        outside = f"http://{host}"
        server = Server(directory, options(outside, chat), environment=VARIABLES)
        await asyncio.to_thread(server.start)
        house = House(server, chat, outside)
        try:
            await asyncio.to_thread(_furnish, house)
            yield house
        finally:
            await asyncio.to_thread(server.stop)


def _furnish(house: House) -> None:
    make, url = house.make, house.outside
    query = f"?token={PERSONAL['url_query']}"
    trunk = make(
        "/x/v1/sip_trunks/create",
        {
            "name": "marked",
            "networks": ["127.0.0.0/8"],
            "password": SECRETS["trunk_password"],
            "user": "u",
            "register": True,
            "register_user": "us",
            "register_password": SECRETS["register_password"],
            "target": "sip:127.0.0.1:59999",
        },
    )
    config = {
        "name": ACTION,
        "description": "Note a word.",
        "url": f"{url}/act",
        "input_schema": {"type": "object", "properties": {"word": {"type": "string"}}},
        "speak_on_send": False,
        "speak_on_receive": True,
    }
    voice = {"type": "voice_eleven_labs", "voice_id": "v", "api_key": SECRETS["voice_key"]}
    database = {"index": "i", "api_environment": "e", "api_key": SECRETS["vector_key"]}
    transfer = {"phone_number": f"+1{PERSONAL['other_number']}"}
    agent = {
        "name": "marked",
        "prompt": {"content": PERSONAL["prompt"], "context_endpoint": f"{url}/context{query}"},
        "initial_message": f"{PERSONAL['greeting']} ${{name}}",
        "voice": make("/v1/voices/create", voice),
        "vector_database": make(
            "/v1/vector_databases/create", {"type": "vector_database_pinecone", **database}
        ),
        "actions": [
            make("/v1/actions/create", {"type": "action_external", "config": config}),
            make("/v1/actions/create", {"type": "action_transfer_call", "config": transfer}),
        ],
        "webhook": make(
            "/v1/webhooks/create", {"url": f"{url}/hook{query}", "subscriptions": EVENTS}
        ),
    }
    agent_id = make("/v1/agents/create", agent)
    link = {"phone_number": NUMBER, "inbound_agent": agent_id}
    make("/v1/numbers/link", {**link, "telephony_account_connection": trunk})
    _furnish_accounts(house, query)


def _furnish_accounts(house: House, query: str) -> None:
    openai = {"openai_api_key": SECRETS["openai_account"]}
    kind = "account_connection_openai"
    house.make("/v1/account_connections/create", {"type": kind, "credentials": openai})
    carrier = {"twilio_account_sid": ACCOUNT_SID, "twilio_auth_token": SECRETS["carrier_token"]}
    kind = "account_connection_twilio"
    body = {"type": kind, "credentials": carrier}
    connection = house.make("/v1/account_connections/create", body)
    number = f"1{PERSONAL['other_number']}"
    link = {"phone_number": number, "telephony_account_connection": connection}
    house.make("/v1/numbers/link", link)
    flow = {"name": "f", "url": f"{house.outside}/flow{query}", "token": SECRETS["flow_token"]}
    house.make("/x/v1/flows/create", flow)
    house.make("/x/v1/keys/create", {"name": "k", "role": "viewer"})
