"""Text messages, against a fake that the vendor's own client passes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.rest import Client

from cordboard.telephony.twilio.api import Account, TwilioApi
from cordboard.telephony.twilio.texts import PIECE_CHARACTERS_MAX, PIECES_MAX, TextMessages, cut
from tests.fakes.twilio_rest import ACCOUNT_SID, AUTH_TOKEN, FakeRest

OURS, THEIRS = "+12025550101", "+12025550102"


@pytest.fixture
async def rest() -> AsyncIterator[FakeRest]:
    """Run the fake."""
    async with FakeRest().running() as fake:
        yield fake


@pytest.fixture
async def texts(rest: FakeRest) -> AsyncIterator[TextMessages]:
    """Send by it, asking soon what has become of a message."""
    async with aiohttp.ClientSession() as http:
        api = TwilioApi(http, Account(ACCOUNT_SID, AUTH_TOKEN), rest.url)
        yield TextMessages(api, (0.01, 0.01, 0.01))


async def test_the_vendors_own_client_passes(rest: FakeRest) -> None:
    """Its client sends and looks up a message at the same fake."""

    def use() -> None:
        client = Client(ACCOUNT_SID, AUTH_TOKEN)
        client.api.base_url = rest.url
        sent = client.messages.create(to=THEIRS, from_=OURS, body="Hi")
        assert sent.sid is not None
        assert client.messages(sent.sid).fetch().status == "delivered"
        client.http_client.session.close()

    await asyncio.to_thread(use)


async def test_a_text_is_sent_and_looked_up(rest: FakeRest, texts: TextMessages) -> None:
    """Both numbers and the words arrive; nothing failed."""
    assert await texts.send(OURS, THEIRS, "Your code is 12 € ✓") is None
    (message,) = rest.texts.sent.values()
    assert (message["from"], message["to"]) == (OURS, THEIRS)
    assert message["body"] == "Your code is 12 € ✓"


@pytest.mark.parametrize(
    ("status", "code", "failure"),
    [
        (400, 21610, "rejected"),
        (401, 20003, "not_allowed"),
        (404, 20404, "rejected"),
        (500, 20500, "unavailable"),
    ],
)
async def test_what_is_not_taken_fails(
    rest: FakeRest, texts: TextMessages, status: int, code: int, failure: str
) -> None:
    """A refusal is a class of ours, and nothing is sent a second time."""
    rest.fail(status, code)
    assert await texts.send(OURS, THEIRS, "Hi") == failure
    assert rest.requests == 1


async def test_what_is_not_delivered_fails(rest: FakeRest, texts: TextMessages) -> None:
    """The carrier takes a message and tells later that it did not arrive."""
    rest.texts.fates.extend(["sent", "undelivered"])
    assert await texts.send(OURS, THEIRS, "Hi") == "undelivered"


async def test_a_lost_answer_is_no_second_message(rest: FakeRest, texts: TextMessages) -> None:
    """Where the connection breaks, the message may have been taken: it is not sent again."""
    rest.trouble.append(None)
    assert await texts.send(OURS, THEIRS, "Hi") == "unavailable"
    assert rest.requests == 1


async def test_a_busy_api_is_asked_once_more(rest: FakeRest, texts: TextMessages) -> None:
    """Too many requests means that nothing was done."""
    rest.fail(429, 20429, "0")
    assert await texts.send(OURS, THEIRS, "Hi") is None
    assert len(rest.texts.sent) == 1


async def test_nobody_knows_in_time(rest: FakeRest, texts: TextMessages) -> None:
    """A message that is still on its way has not failed; nor where nobody tells."""
    rest.texts.fates.extend(["sent"] * 3)
    assert await texts.send(OURS, THEIRS, "Hi") is None
    rest.texts.fates.append("sending")
    assert await texts.send(OURS, THEIRS, "Hi") is None


async def test_a_long_text_is_several_messages(rest: FakeRest, texts: TextMessages) -> None:
    """What the API does not take at once is cut at a blank; far too much is refused."""
    assert await texts.send(OURS, THEIRS, "word " * 500) is None
    bodies = [message["body"] for message in rest.texts.sent.values()]
    assert [len(body.split()) for body in bodies] == [320, 180]
    assert await texts.send(OURS, THEIRS, "x" * (PIECE_CHARACTERS_MAX * PIECES_MAX + 1)) == (
        "too_long"
    )


@given(st.text(alphabet="ab \n", max_size=6_000))
def test_no_word_is_lost(text: str) -> None:
    """Pieces are short enough and hold all that is no blank, in order."""
    pieces = cut(text)
    assert all(1 <= len(piece) <= PIECE_CHARACTERS_MAX for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())
