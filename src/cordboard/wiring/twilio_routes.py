"""The webhooks of the carrier on the HTTP port."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cordboard.telephony.twilio.signature import HEADER
from cordboard.telephony.twilio.twiml import CONTENT_TYPE
from cordboard.telephony.twilio.webhooks import (
    DIALLED_PATH,
    FORM_BYTES_MAX,
    RESUME_PATH,
    STATUS_PATH,
    VOICE_PATH,
    Question,
    Reply,
)

Answer = Callable[[str, Question], Awaitable[Reply]]
"""Answers a question; the text is the last part of its path."""

_NAME: Final = "name"


def routes(voice: Answer, resume: Answer, status: Answer, dialled: Answer) -> list[Route]:
    """Return the four routes."""
    answers = {
        VOICE_PATH: voice,
        RESUME_PATH: resume,
        STATUS_PATH: status,
        DIALLED_PATH: dialled,
    }
    return [
        Route(f"{path}{{{_NAME}}}", _endpoint(answer), methods=["POST"])
        for path, answer in answers.items()
    ]


def _endpoint(answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        reply = await answer(request.path_params[_NAME], await _question(request))
        return Response(reply.document, reply.status, media_type=CONTENT_TYPE)

    return endpoint


async def _question(request: Request) -> Question:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_BYTES_MAX:
            break
    path = request.scope["raw_path"].decode("latin-1")
    query = request.scope["query_string"].decode("latin-1")
    signature = request.headers.get(HEADER, "")
    return Question(f"{path}?{query}" if query else path, body, signature)
