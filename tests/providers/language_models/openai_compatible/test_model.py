"""The model against the fake, and the fake against the vendor's own client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from cordboard.call.actions import ActionKind, ActionPlan
from cordboard.engine.stream import Stream
from cordboard.ports import ModelAction, ModelExpects, ModelText, ProviderError, ReplyRequest
from cordboard.providers.language_models.openai_compatible.model import (
    VENDOR_URL,
    ChatModel,
    ChatOptions,
)
from tests.fakes.chaos import Chaos
from tests.fakes.chat import FakeChat
from tests.fakes.serving import Faults
from tests.providers.language_models.openai_compatible.requests import reply_request

Piece = ModelText | ModelAction | ModelExpects
_BOOK = ActionPlan(
    action_id="a",
    kind=ActionKind.EXTERNAL,
    function_name="book",
    description="Books.",
    parameters={"type": "object", "properties": {"day": {"type": "string"}}},
)


@pytest.fixture
async def fake() -> AsyncIterator[FakeChat]:
    """A fake vendor that runs."""
    async with FakeChat().running() as running:
        yield running


async def _pieces(
    fake: FakeChat, request: ReplyRequest | None = None, url: str | None = None
) -> list[Piece]:
    async with ChatModel(ChatOptions(base_url=url or fake.url, api_key=fake.key)) as model:
        return [piece async for piece in model.reply(request or reply_request())]


async def _failure(fake: FakeChat, request: ReplyRequest | None = None) -> tuple[str, bool]:
    with pytest.raises(ProviderError) as caught:
        await _pieces(fake, request)
    assert "upstream" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value.failure, caught.value.retryable


def _text(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, ModelText))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_the_vendors_own_client(fake: FakeChat) -> None:
    """The fake is trusted because the vendor's own client reads text and calls from it."""
    import openai

    fake.calls = [("book", '{"day": "Monday"}')]
    tool: Any = {"type": "function", "function": {"name": "book", "parameters": {}}}
    async with openai.AsyncOpenAI(base_url=fake.url, api_key=fake.key, max_retries=0) as client:
        stream = await client.chat.completions.create(
            model="m", stream=True, messages=[{"role": "user", "content": "Hi"}], tools=[tool]
        )
        text, name, arguments, reason = "", "", "", None
        async for chunk in stream:
            [choice] = chunk.choices
            text += choice.delta.content or ""
            for call in choice.delta.tool_calls or ():
                assert call.function is not None
                name += call.function.name or ""
                arguments += call.function.arguments or ""
            reason = choice.finish_reason or reason
        assert (text, name, arguments, reason) == (
            "Hello, how can I help?",
            "book",
            '{"day": "Monday"}',
            "tool_calls",
        )
        whole = await client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "Hi"}]
        )
        assert whole.choices[0].message.content == "Hello, how can I help?"
        assert [model.id async for model in client.models.list()] == ["fake"]
        fake.faults = Faults(refuse=429)
        with pytest.raises(openai.RateLimitError):
            await client.chat.completions.create(
                model="m", messages=[{"role": "user", "content": "Hi"}]
            )
    async with openai.AsyncOpenAI(base_url=fake.url, api_key="no", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError):
            await client.models.list()


async def test_text_and_calls(fake: FakeChat) -> None:
    """Text comes piece by piece, calls after it, whole."""
    fake.calls = [("book", '{"day": "Monday"}'), ("book", "")]
    pieces = await _pieces(fake, reply_request(actions=(_BOOK,)))
    assert pieces == [
        ModelText("Hello"),
        ModelText(", how"),
        ModelText(" can I help?"),
        ModelAction("book", '{"day": "Monday"}'),
        ModelAction("book", "{}"),
    ]


async def test_what_is_asked(fake: FakeChat) -> None:
    """The request is what such servers take: streamed, bounded, tools only if any."""
    await _pieces(fake)
    await _pieces(fake, reply_request(actions=(_BOOK,), model="other"))
    first, second = fake.requests
    assert first["model"] == "gpt-4.1-mini"
    assert (first["stream"], first["temperature"], first["max_tokens"]) == (True, 0.0, 256)
    assert "tools" not in first
    assert second["model"] == "other"
    assert second["tools"][0]["function"]["name"] == "book"


@pytest.mark.parametrize("size", [1, 7, 64])
async def test_bytes_in_any_pieces(fake: FakeChat, size: int) -> None:
    """Neither events nor letters need to arrive whole."""
    fake.tokens, fake.piece_bytes = ["Grüß", " Gott, ", "日本"], size
    assert _text(await _pieces(fake)) == "Grüß Gott, 日本"


async def test_connections_are_kept(fake: FakeChat) -> None:
    """Replies and warming share one connection."""
    async with ChatModel(ChatOptions(base_url=fake.url, api_key=fake.key)) as model:
        await model.warm()
        for _ in range(3):
            assert [piece async for piece in model.reply(reply_request())]
    assert len(fake.connections) == 1


async def test_closing_cancels(fake: FakeChat) -> None:
    """Closing the iterator ends the request at the vendor."""
    fake.tokens, fake.faults = ["a"] * 5, Faults(stall_at=3)
    async with ChatModel(ChatOptions(base_url=fake.url, api_key=fake.key)) as model:
        stream = model.reply(reply_request())
        async with aclosing(stream) as pieces:  # type: ignore[type-var]
            assert await anext(pieces) == ModelText("a")
            assert fake.open_streams == 1
        async with asyncio.timeout(2):
            await fake.idle.wait()


@pytest.mark.parametrize("number", range(5))
async def test_stalls_are_for_the_engine(fake: FakeChat, number: int) -> None:
    """What came before a stall has been handed on; the engine's deadline ends the wait (R33)."""
    fake.faults = Faults(stall_at=number)
    said: list[Piece] = []
    async with ChatModel(ChatOptions(base_url=fake.url, api_key=fake.key)) as model:
        async with Stream(model.reply(reply_request())) as stream:
            said += [piece for _ in range(number - 1) if (piece := await stream.next(2))]
            with pytest.raises(ProviderError, match="timeout"):
                await stream.next(0.2)
        assert len(said) == max(0, number - 1)
        async with asyncio.timeout(2):
            await fake.idle.wait()


@pytest.mark.parametrize("faults", [Faults(stall_at=5), Faults(cut_at=5), Faults(garble_at=5)])
async def test_after_the_end_nothing_matters(fake: FakeChat, faults: Faults) -> None:
    """A reply that the model has finished is whole, whatever becomes of the connection."""
    fake.faults = faults
    assert _text(await _pieces(fake)) == "Hello, how can I help?"


@pytest.mark.parametrize("number", range(5))
async def test_cut_at_every_message(fake: FakeChat, number: int) -> None:
    """A connection cut before the model has finished is a failure that may be tried again."""
    fake.faults = Faults(cut_at=number)
    assert await _failure(fake) == ("unavailable", True)


@pytest.mark.parametrize("number", range(5))
async def test_garbled_at_every_message(fake: FakeChat, number: int) -> None:
    """An event that is no chunk is a bad answer; none of it goes on."""
    fake.faults = Faults(garble_at=number)
    assert await _failure(fake) == ("bad_answer", True)


async def test_malformed_arguments(fake: FakeChat) -> None:
    """A call whose arguments are no object is a bad answer."""
    fake.calls = [("book", '{"day": ')]
    assert await _failure(fake) == ("bad_answer", True)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (429, "{}", ("over_quota", True)),
        (429, '{"error":{"code":"insufficient_quota"}}', ("over_quota", False)),
        (500, "upstream", ("unavailable", True)),
        (400, "upstream", ("rejected", False)),
        (401, "upstream", ("bad_credentials", False)),
    ],
)
async def test_refusals(fake: FakeChat, status: int, body: str, expected: tuple[str, bool]) -> None:
    """A refusal is a class of failure, without the vendor's words."""
    fake.faults = Faults(refuse=status, refuse_body=body)
    assert await _failure(fake) == expected


async def test_the_fallback_model(fake: FakeChat) -> None:
    """A model that is not known is replaced by the plan's fallback of the same vendor."""
    fake.refused_models = {"gone"}
    settings = {"fallback": {"provider": "openai", "model_name": "other"}}
    request = reply_request(model="gone", settings=settings)
    assert _text(await _pieces(fake, request)) == "Hello, how can I help?"
    assert [asked["model"] for asked in fake.requests] == ["gone", "other"]
    assert await _failure(fake, reply_request(model="gone")) == ("rejected", False)
    elsewhere = {"fallback": {"provider": "azure", "model_name": "other"}}
    request = reply_request(model="gone", settings=elsewhere)
    assert await _failure(fake, request) == ("rejected", False)


async def test_an_organisations_own_account(fake: FakeChat) -> None:
    """A plan that names an account is paid by that account, or not at all."""

    async def key_of(connection: str) -> str | None:
        return {"mine": fake.key}.get(connection)

    # The operator's own server would refuse the connection: the account's key never gets there.
    options = ChatOptions(
        base_url="http://127.0.0.1:9/v1",
        api_key="the operator's",
        model="ours",
        account_url=f"{fake.url}/",
        account_model="theirs",
    )
    async with ChatModel(options, key_of) as model:
        request = reply_request(settings={"account_connection_id": "mine"})
        assert _text([piece async for piece in model.reply(request)])
        request = reply_request(settings={"account_connection_id": "other"})
        with pytest.raises(ProviderError, match="bad_credentials"):
            await anext(aiter(model.reply(request)))
    assert [asked["model"] for asked in fake.requests] == ["theirs"]


def test_an_account_is_asked_at_the_vendor() -> None:
    """Wherever the operator's model is, an account's key goes to the vendor unless told else."""
    assert ChatOptions(base_url="http://127.0.0.1:11434/v1").account_url == VENDOR_URL


async def test_nobody_there() -> None:
    """A server that is not there is a failure that may be tried again."""
    async with ChatModel(ChatOptions(base_url="http://127.0.0.1:9/v1")) as model:
        with pytest.raises(ProviderError) as caught:
            await anext(aiter(model.reply(reply_request())))
        assert (caught.value.failure, caught.value.retryable) == ("unavailable", True)
        with pytest.raises(ProviderError):
            await model.warm()


def test_secrets_are_not_shown() -> None:
    """Options that are printed by mistake do not show the key."""
    assert "key-1" not in repr(ChatOptions(api_key="key-1"))


async def _through(fake: FakeChat, chaos: Chaos) -> list[Piece]:
    async with chaos.running():
        return await _pieces(fake, url=f"http://{chaos.host}/v1")


def _target(fake: FakeChat) -> str:
    return fake.url.removeprefix("http://").removesuffix("/v1")


async def test_slow_networks_change_nothing(fake: FakeChat) -> None:
    """Delayed, sliced and slow answers are the same answers (R33)."""
    target = _target(fake)
    for chaos in (
        Chaos(target, latency_ms=30),
        Chaos(target, slice_bytes=1),
        Chaos(target, bytes_per_second=50_000, slice_bytes=100),
    ):
        assert _text(await _through(fake, chaos)) == "Hello, how can I help?"


async def test_broken_networks(fake: FakeChat) -> None:
    """Resets and answers cut short are failures that may be tried again (R33)."""
    target = _target(fake)
    for chaos in (Chaos(target, reset=True), Chaos(target, limit_bytes=400)):
        with pytest.raises(ProviderError) as caught:
            await _through(fake, chaos)
        assert (caught.value.failure, caught.value.retryable) == ("unavailable", True)


async def test_black_holes(fake: FakeChat) -> None:
    """A vendor that takes all and answers nothing is left at the engine's deadline (R10)."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await _through(fake, Chaos(_target(fake), blackhole=True))
