"""An app of a flow that answers at once: what is left of a turn's delay is the server's."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.streams.vendors import CLAUSES, Notes, about
from benchmarks.streams.wire import Connection

PATH = "/flow"
_NOTHING = b"HTTP/1.1 204 No Content\r\n\r\n"


def post(connection: Connection, body: bytes, notes: Notes) -> None:
    """Answer one event by HTTP."""
    answer = _answer(json.loads(body), notes)
    if answer is None:
        connection.transport.write(_NOTHING)
    else:
        connection.answer(answer)


class Talk:
    """A call's WebSocket."""

    def __init__(self, connection: Connection, notes: Notes) -> None:
        self._connection, self._notes = connection, notes

    def message(self, payload: bytes, is_text: bool) -> None:
        """Answer one event."""
        answer = _answer(json.loads(payload), self._notes)
        if answer is not None:
            self._connection.send(answer)

    def lost(self) -> None:
        """The call is over."""


def _answer(event: dict[str, Any], notes: Notes) -> bytes | None:
    """Answer what the caller said, and nothing else. In the notes the app stands where an agent has
    its language model.
    """
    if event["type"] != "user_speak":
        return None
    turn = about(event["text"])
    notes.mark("asked_model", turn)
    call, number = turn or (0, 0)
    action = {
        "type": "speak",
        "session_id": event["session"]["id"],
        "text": "".join(CLAUSES).format(call=call, turn=number),
    }
    answer = json.dumps(action).encode()
    notes.mark("first_sentence", turn)
    return answer
