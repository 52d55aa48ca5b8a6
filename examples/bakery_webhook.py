"""A bakery's telephone as a webhook: FastAPI and plain dictionaries, nothing of Cordboard.

    FLOW_TOKEN=secret python examples/bakery_webhook.py --port 9001
    cordboard flow try http://127.0.0.1:9001/voice --token secret

Every event is one POST; what is returned is what the call does. None becomes 204: nothing to do.
"""

from __future__ import annotations

import argparse
import hmac
import os
from typing import Any

import uvicorn
from fastapi import FastAPI, Header, HTTPException, Response

TOKEN = os.environ.get("FLOW_TOKEN", "")
ANSWERS = {
    "hours": "We are open from seven in the morning to six in the evening, and closed on Sundays.",
    "bread": "Today there is rye bread, and baguette until noon.",
    "cake": "Cakes are made to order. Please ring two days ahead.",
}
KEYS = {"1": "hours", "2": "bread", "3": "cake"}

app = FastAPI()
asked_again: set[str] = set()
leaving: set[str] = set()


@app.post("/voice", response_model=None)
def voice(
    event: dict[str, Any], x_api_token: str = Header(default="")
) -> dict[str, Any] | list[dict[str, Any]] | Response:
    """Take an event and return an action, several, or 204."""
    if not hmac.compare_digest(x_api_token.encode(), TOKEN.encode()):
        raise HTTPException(401)
    return decide(event) or Response(status_code=204)


def decide(event: dict[str, Any]) -> dict[str, Any] | list[dict[str, Any]] | None:
    """Return what the call does next; None for nothing."""
    call = event["session"]["id"]
    match event["type"]:
        case "session_start":
            return speak(call, "Sunrise Bakery, good morning. Would you like our hours, or bread?")
        case "user_speak":
            asked_again.discard(call)
            return answer(call, event["text"])
        case "dtmf_received" if event["digit"] in KEYS:
            # A key press leaves an announcement running: stop it first.
            return [
                {"type": "barge_in", "session_id": call},
                speak(call, ANSWERS[KEYS[event["digit"]]]),
            ]
        case "user_input_timeout" if call not in asked_again:
            asked_again.add(call)
            return speak(call, "Are you still there?")
        case "user_input_timeout":
            return goodbye(call)
        case "assistant_speech_ended" if call in leaving:
            return {"type": "hangup", "session_id": call}
        case "session_end":
            asked_again.discard(call)
            leaving.discard(call)
    return None


def answer(call: str, text: str) -> dict[str, Any]:
    """Return the answer to what the caller said."""
    words = text.lower()
    if "bye" in words or "thank" in words:
        return goodbye(call)
    if "open" in words:
        return speak(call, ANSWERS["hours"])
    topic = next((topic for topic in ANSWERS if topic in words), None)
    if topic is None:
        return speak(call, "I can tell you about our hours, bread and cake. Which one?")
    return speak(call, ANSWERS[topic])


def speak(call: str, text: str) -> dict[str, Any]:
    """Return a sentence after which eight seconds of silence are told to us."""
    return {
        "type": "speak",
        "session_id": call,
        "text": text,
        "user_input_timeout_seconds": 8,
    }


def goodbye(call: str) -> dict[str, Any]:
    """Return the last sentence; the call is hung up when it has been heard."""
    leaving.add(call)
    return {
        "type": "speak",
        "session_id": call,
        "text": "Goodbye, and see you soon.",
        "barge_in": {"strategy": "none"},
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9001)
    uvicorn.run(app, host="127.0.0.1", port=parser.parse_args().port)
