"""Where is my parcel? A WebSocket app with plain ``websockets``, nothing of Cordboard.

    FLOW_TOKEN=secret python examples/parcel_socket.py --port 9002
    cordboard flow try ws://127.0.0.1:9002/parcels --token secret

The server connects once for each call. Actions may be sent at any time: here a search takes a
while, the caller is told so, and the answer follows by itself.
"""

from __future__ import annotations

import argparse
import asyncio
import hmac
import json
import os
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

TOKEN = os.environ.get("FLOW_TOKEN", "")
PARCELS: Mapping[str, str] = {
    "1234": "is on its way and comes tomorrow morning",
    "9876": "waits for you at the corner shop",
}
SEARCH_S = 0.3


class ParcelCall:
    """One call: collects a number by keys or by voice, looks it up, tells."""

    def __init__(self, socket: ServerConnection, group: asyncio.TaskGroup) -> None:
        self._socket = socket
        self._group = group
        self._digits = ""

    async def take(self, event: dict[str, Any]) -> None:
        """Act on an event; silence is an answer too."""
        call = event["session"]["id"]
        match event["type"]:
            case "session_start":
                await self._send(
                    {"type": "configure_transcription", "session_id": call, "languages": ["en-GB"]},
                    speak(call, "Parcel desk. Please key in your number, and then hash."),
                )
            case "dtmf_received" if event["digit"] == "#":
                self._look_up(call, self._digits)
                self._digits = ""
            case "dtmf_received":
                self._digits = (self._digits + event["digit"])[:12]
            case "user_speak":
                digits = "".join(sign for sign in event["text"] if sign.isdigit())
                if digits:
                    self._look_up(call, digits)
                elif "bye" in event["text"].lower():
                    # In one array the hang-up waits until the sentence has been heard.
                    goodbye = speak(call, "Goodbye.")
                    await self._send(goodbye, {"type": "hangup", "session_id": call})
                else:
                    await self._send(speak(call, "I need the four digits of your parcel."))

    def _look_up(self, call: str, number: str) -> None:
        self._group.create_task(self._search(call, number))

    async def _search(self, call: str, number: str) -> None:
        await self._send(speak(call, "One moment, I am looking."))
        await asyncio.sleep(SEARCH_S)  # here a slow back-end would be asked
        where = PARCELS.get(number, "is not known to us")
        await self._send(speak(call, f"Your parcel {' '.join(number)} {where}."))

    async def _send(self, *actions: dict[str, Any]) -> None:
        await self._socket.send(json.dumps(actions[0] if len(actions) == 1 else actions))


def speak(call: str, text: str) -> dict[str, Any]:
    """Return a sentence that the caller may cut off by speaking."""
    barge_in = {"strategy": "immediate", "allow_after_ms": 500}
    return {"type": "speak", "session_id": call, "text": text, "barge_in": barge_in}


def refuse_strangers(connection: ServerConnection, request: Request) -> Response | None:
    """Answer 401 to whoever does not know the token."""
    given = request.headers.get("X-API-TOKEN", "")
    if hmac.compare_digest(given.encode(), TOKEN.encode()):
        return None
    return connection.respond(HTTPStatus.UNAUTHORIZED, "token\n")


async def one_call(socket: ServerConnection) -> None:
    """Serve one connection, which is one call."""
    try:
        async with asyncio.TaskGroup() as group:
            call = ParcelCall(socket, group)
            async for message in socket:
                await call.take(json.loads(message))
    except* ConnectionClosed:
        pass  # the caller was faster than the search


async def main(port: int) -> None:
    """Serve until interrupted."""
    async with serve(one_call, "127.0.0.1", port, process_request=refuse_strangers) as server:
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9002)
    asyncio.run(main(parser.parse_args().port))
