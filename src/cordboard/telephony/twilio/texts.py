"""Text messages over the account that has the sender's number."""

from __future__ import annotations

import asyncio
from typing import Final

from cordboard.telephony.twilio.api import TextState, TwilioApi
from cordboard.telephony.twilio.errors import (
    ApiError,
    NotAllowed,
    NotFound,
    Refused,
    TooMany,
    Unavailable,
)

PIECE_CHARACTERS_MAX: Final = 1_600
PIECES_MAX: Final = 10
"""What the API takes in one message, and how many a text may be cut into."""

ASKED_AFTER_S: Final = (1.0, 2.0, 4.0, 8.0, 15.0)
"""When a message is looked up again, counted from the time before; then nobody asks any more."""

_CLASSES: Final[dict[type[ApiError], str]] = {
    Refused: "rejected",
    NotFound: "rejected",
    NotAllowed: "not_allowed",
    TooMany: "over_quota",
    Unavailable: "unavailable",
}


class TextMessages:
    """Sends the texts of one account, and waits a while for what becomes of them."""

    def __init__(self, api: TwilioApi, asked_after_s: tuple[float, ...] = ASKED_AFTER_S) -> None:
        self._api = api
        self._asked_after_s = asked_after_s

    async def send(self, from_number: str, to_number: str, text: str) -> str | None:
        """Send a text between two numbers (with their ``+``); return a class of failure, or None
        where it was delivered or is still on its way. No message is sent a second time.
        """
        pieces = cut(text)
        if len(pieces) > PIECES_MAX:
            return "too_long"
        try:
            sent = [await self._sent(from_number, to_number, piece) for piece in pieces]
        except ApiError as error:
            return _CLASSES.get(type(error), "rejected")
        for wait_s in self._asked_after_s:
            if any(each.failed for each in sent):
                return "undelivered"
            if all(each.over for each in sent):
                return None
            await asyncio.sleep(wait_s)
            try:
                sent = [each if each.over else await self._api.text(each.sid) for each in sent]
            except ApiError:
                return None
        return "undelivered" if any(each.failed for each in sent) else None

    async def _sent(self, from_number: str, to_number: str, piece: str) -> TextState:
        try:
            return await self._api.send_text(from_number, to_number, piece)
        except TooMany as error:
            await asyncio.sleep(error.retry_after_s)
        return await self._api.send_text(from_number, to_number, piece)


def cut(text: str) -> list[str]:
    """Cut a text into messages, at blanks where there are any."""
    pieces, rest = [], text.strip()
    while len(rest) > PIECE_CHARACTERS_MAX:
        at = rest.rfind(" ", 1, PIECE_CHARACTERS_MAX + 1)
        at = at if at > 0 else PIECE_CHARACTERS_MAX
        pieces.append(rest[:at].rstrip())
        rest = rest[at:].lstrip()
    return [*pieces, rest] if rest else pieces
