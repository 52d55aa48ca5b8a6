"""Cordboard as the bench asks for it: the whole server, with one more door for unsigned streams.

``PORT`` and ``BENCH_FAKES`` (where the vendors are) come from the environment. A stream at ``/ws``
is taken for an inbound call when its ``start`` has come, where a carrier's webhook would have
announced it some hundred milliseconds before. Everything behind the door is the product: its row
is on disk before the call is answered, it is recorded, and the neural model judges every frame.

An argument, ``http`` or ``websocket``, has a flow answer in place of an agent.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import httpx
import uvloop
from aiohttp import web

from benchmarks.streams.app import PATH
from cordboard.call.plan import TranscriberPlan
from cordboard.ids import Randomness
from cordboard.observe import configure_logging
from cordboard.ports import Direction, InboundPlan, NewCall
from cordboard.settings import Settings
from cordboard.telephony.twilio.leg import LegParts, TwilioLeg
from cordboard.telephony.twilio.sockets import serve_stream
from cordboard.telephony.twilio.wire import Start
from cordboard.wiring.server import Server, running, set_aside_start

KEY = "a-key-for-benchmarks-only"
NUMBER = "12025550101"
TURN_SILENCE_MS = 100
"""Over when the final words come, so that what the server waits by policy counts for nobody."""


class _NobodyToAsk:
    """The carrier's API: it ends no call of ours, since the socket is all there is."""

    async def hang_up(self, call_sid: str) -> None:
        """Do nothing."""

    async def redirect(self, call_sid: str, document: str) -> None:
        """Do nothing."""


class Door:
    """Takes every stream for a call to one number. The call's name reaches the transcriber as a
    keyword, so that the fakes can tell calls apart.
    """

    def __init__(self, server: Server, found: InboundPlan) -> None:
        self._server = server
        self._found = found
        self._new_id = Randomness.system().uuid

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one stream to its end."""
        return await serve_stream(request, self._leg)

    def _leg(self, start: Start) -> TwilioLeg | None:
        engine, dispatch = self._server.engine, self._server.dispatch
        admission = dispatch.admit()
        if not admission.admitted:
            return None
        call_sid = start.start.call_sid
        parts = LegParts(engine.clock, engine.media_clock, _NobodyToAsk())
        leg = TwilioLeg(self._new_id(), call_sid, parts)
        dispatch.start(admission, self._call(leg.leg_id, call_sid), leg)
        return leg

    def _call(self, leg_id: str, call_sid: str) -> NewCall:
        found = self._found
        listening = TranscriberPlan(keywords={call_sid: 1.0})
        return NewCall(
            call_id=self._new_id(),
            leg_id=leg_id,
            organisation_id=found.organisation_id,
            direction=Direction.INBOUND,
            from_number="anonymous",
            to_number=found.number,
            carrier="twilio",
            trunk_id=None,
            carrier_handle=call_sid,
            dialog={},
            plan=replace(found.plan, transcriber=listening),
            at=self._server.engine.clock.wall(),
        )


async def furnished(server: Server, fakes: str, transport: str) -> InboundPlan:
    """Make an agent, or a flow with its app beside the vendors where a ``transport`` is named, and
    a number by the API; return what the number leads to.
    """
    agent = {
        "prompt": {"content": "You are a receptionist on the phone."},
        "voice": {"type": "voice_vocode", "voice_id": "joe"},
    }
    flow = {
        "name": "bench",
        "url": f"{fakes}{PATH}" if transport == "http" else f"ws{fakes.removeprefix('http')}{PATH}",
        "transport": transport,
        "end_of_turn_silence_ms": TURN_SILENCE_MS,
    }
    base_url = f"http://127.0.0.1:{server.http_port}"
    async with httpx.AsyncClient(
        base_url=base_url, headers={"Authorization": f"Bearer {KEY}"}
    ) as http:

        async def create(path: str, content: object) -> str:
            answer = await http.post(path, json=content)
            return str(answer.raise_for_status().json()["id"])

        trunk = await create(
            "/x/v1/sip_trunks/create", {"name": "bench", "networks": ["127.0.0.0/8"]}
        )
        link = {"phone_number": NUMBER, "telephony_account_connection": trunk}
        if transport:
            link["inbound_flow"] = await create("/x/v1/flows/create", flow)
        else:
            link["inbound_agent"] = await create("/v1/agents/create", agent)
        (await http.post("/v1/numbers/link", json=link)).raise_for_status()
    found = await server.engine.store.inbound_plan(trunk, NUMBER, "anonymous")
    assert found is not None
    return found


def settings(fakes: str, directory: Path) -> Settings:
    """Return the settings of a server whose vendors are fakes."""
    options: dict[str, object] = {
        "profile": "development", "http_port": "0", "sip_port": "0", "bootstrap_key": KEY,
        "data_dir": str(directory), "calls_max_count": "1000", "log_level": "warning",
        "openai_base_url": f"{fakes}/v1", "openai_api_key": "none",
        "deepgram_base_url": fakes, "deepgram_api_key": "none",
        "elevenlabs_base_url": fakes, "elevenlabs_api_key": "none",
    }  # fmt: skip
    return Settings.from_environment({}, options)


async def _healthy(_: web.Request) -> web.Response:
    return web.Response(text="ok")


async def run(port: int, fakes: str, directory: Path, transport: str) -> None:
    """Serve until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    chosen = settings(fakes, directory)
    configure_logging(sys.stderr, chosen.log_level, [])
    async with running(chosen) as server:
        door = Door(server, await furnished(server, fakes, transport))
        app = web.Application()
        app.router.add_get("/ws", door.handle)
        app.router.add_get("/healthz", _healthy)
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
            set_aside_start()
            await stop.wait()
        finally:
            await runner.cleanup()


def main() -> None:
    """Read the environment and run."""
    with tempfile.TemporaryDirectory() as name:
        transport = "".join(sys.argv[1:2])
        port, fakes = int(os.environ["PORT"]), os.environ["BENCH_FAKES"]
        uvloop.run(run(port, fakes, Path(name), transport))


if __name__ == "__main__":
    main()
