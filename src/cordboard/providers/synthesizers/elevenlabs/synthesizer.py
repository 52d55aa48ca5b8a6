"""The synthesizer port over ElevenLabs' WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, cast
from urllib.parse import quote

import aiohttp

from cordboard.call.plan import VoicePlan
from cordboard.media.codec import Codec, Encoding
from cordboard.ports import ProviderError, SpeechChunk
from cordboard.providers.retry_after import retry_after_s
from cordboard.providers.synthesizers.elevenlabs.socket import LooseSocket
from cordboard.providers.synthesizers.elevenlabs.spares import Kind, Spares
from cordboard.providers.synthesizers.elevenlabs.wire import (
    END,
    FORMATS,
    BadMessage,
    Wanted,
    failure_of_error,
    failure_of_status,
    opening,
    query,
    read_answer,
    speaking,
)
from cordboard.providers.synthesizers.elevenlabs.words import WordTimes
from cordboard.providers.vendor_sockets import vendor_sockets

VENDOR_URL = "https://api.elevenlabs.io"
_OPEN_SPARE_S = 5.0
_MOST_MESSAGE_BYTES = 4 * 1024 * 1024
# Longer than anybody takes to say a text: then it is not this text.
_LONGEST_MS = 5000
_LONGEST_CHARACTER_MS = 700

VoiceKey = Callable[[str], Awaitable[str | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ElevenLabsOptions:
    """Where the vendor is, and the voice and model where a plan names none.

    A voice's own key goes to ``account_url`` and nowhere else.
    """

    api_key: str = field(repr=False)
    base_url: str = VENDOR_URL
    voice: str = ""
    model: str = "eleven_flash_v2_5"
    account_url: str = VENDOR_URL


class ElevenLabsSynthesizer:
    """Speaks each text over a socket of its own, which is open already where one was foreseen.

    Used as ``async with ElevenLabsSynthesizer(options) as synthesizer``, entered and left by the
    same task. ``voice_key`` finds a voice's own key by the plan's ``settings["id"]``.
    """

    def __init__(self, options: ElevenLabsOptions, voice_key: VoiceKey | None = None) -> None:
        self._options = options
        self._voice_key = voice_key
        self._group = asyncio.TaskGroup()
        self._tasks: set[asyncio.Task[None]] = set()
        self._spares = Spares()
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Connect nothing yet."""
        await self._group.__aenter__()
        self._http = vendor_sockets(LooseSocket)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close every socket."""
        for task in self._tasks:
            task.cancel()
        try:
            await self._group.__aexit__(None, None, None)
        finally:
            self._spares.free()
            if self._http is not None:
                await self._http.close()

    def codecs(self, voice: VoicePlan) -> Sequence[Codec]:
        """Return G.711 first: a telephone leg plays the vendor's bytes unchanged."""
        return tuple(FORMATS)

    async def warm(self, voice: VoicePlan, language: str, codec: Codec) -> None:
        """Begin to open a socket for what will be said in this voice; failures show when speaking.

        Raises ``ProviderError`` where a voice's own key is missing.
        """
        self._open_spare(await self._kind(voice, language, codec))

    async def speak(
        self, text: str, voice: VoicePlan, language: str, codec: Codec
    ) -> AsyncIterator[SpeechChunk]:
        """Stream the sound of ``text``. Raises ``ProviderError``; closing the iterator closes the
        socket at once.
        """
        if not text.strip():
            return
        kind = await self._kind(voice, language, codec)
        spare = self._spares.take(kind)
        if spare is not None:
            heard = False
            try:
                async with aclosing(self._sound(spare, text, kind)) as chunks:
                    async for chunk in chunks:
                        heard = True
                        yield chunk
            except ProviderError as error:
                # It may have died while it waited; then nothing is lost by asking again.
                if heard or error.failure != "unavailable":
                    raise
            else:
                return
        async with aclosing(self._sound(await self._connect(kind), text, kind)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _sound(
        self, opened: LooseSocket, text: str, kind: Kind
    ) -> AsyncGenerator[SpeechChunk, None]:
        try:
            await opened.send_str(speaking(text))
            await opened.send_str(END)
            piece = _Spoken(text, kind.wanted.codec)
            async for message in opened:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    raise ProviderError("bad_answer", retryable=True)
                chunk = piece.take(message.data)
                if chunk is not None:
                    if piece.is_first:
                        self._open_spare(kind)
                    yield chunk
                if piece.complete:
                    return
            if opened.close_code != aiohttp.WSCloseCode.OK or piece.is_silent:
                raise ProviderError("unavailable", retryable=True)
        except BadMessage:
            raise ProviderError("bad_answer", retryable=True) from None
        except (aiohttp.ClientError, OSError):
            raise ProviderError("unavailable", retryable=True) from None
        finally:
            opened.free()

    async def _kind(self, voice: VoicePlan, language: str, codec: Codec) -> Kind:
        if codec not in FORMATS:
            raise ProviderError("rejected")
        settings = voice.settings
        options = self._options
        # A voice of another vendor is spoken by our own, whatever it is called there.
        kind_of_voice = str(settings.get("type", "")).replace("_", "")
        if kind_of_voice not in ("", "voiceelevenlabs"):
            wanted = Wanted(options.voice, options.model, codec, language)
            return self._ours(wanted)
        model = settings.get("model_id")
        wanted = Wanted(
            voice.voice or options.voice,
            model if isinstance(model, str) and model else options.model,
            codec,
            language,
            _number(settings.get("stability")),
            _number(settings.get("similarity_boost")),
        )
        voice_id = settings.get("id")
        if self._voice_key is not None and isinstance(voice_id, str):
            own = await self._voice_key(voice_id)
            if own:
                return Kind(wanted, own, options.account_url.rstrip("/"))
        return self._ours(wanted)

    def _ours(self, wanted: Wanted) -> Kind:
        if not self._options.api_key:
            raise ProviderError("bad_credentials")
        return Kind(wanted, self._options.api_key, self._options.base_url.rstrip("/"))

    async def _connect(self, kind: Kind) -> LooseSocket:
        if self._http is None or self._http.closed:
            raise ProviderError("unavailable")
        voice = quote(kind.wanted.voice, safe="")
        try:
            opened = await self._http.ws_connect(
                f"{kind.base_url}/v1/text-to-speech/{voice}/stream-input",
                params=query(kind.wanted),
                headers={"xi-api-key": kind.api_key},
                max_msg_size=_MOST_MESSAGE_BYTES,
            )
            await opened.send_str(opening(kind.wanted))
        except aiohttp.WSServerHandshakeError as refusal:
            failure, retryable = failure_of_status(refusal.status)
            asked_s = retry_after_s(refusal.headers)
            raise ProviderError(failure, retryable=retryable, retry_after_s=asked_s) from None
        except TimeoutError:
            raise ProviderError("timeout", retryable=True) from None
        except (aiohttp.ClientError, OSError):
            raise ProviderError("unavailable", retryable=True) from None
        return cast(LooseSocket, opened)

    def _open_spare(self, kind: Kind) -> None:
        """Open the socket for the next text while this one is spoken."""
        if not self._spares.wants(kind):
            return
        self._spares.opening(kind, 1)
        task = self._group.create_task(self._fill(kind), name="elevenlabs spare")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _fill(self, kind: Kind) -> None:
        try:
            async with asyncio.timeout(_OPEN_SPARE_S):
                self._spares.put(kind, await self._connect(kind))
        except (ProviderError, TimeoutError):
            return  # the next text opens its own, and tells what is wrong
        finally:
            self._spares.opening(kind, -1)


class _Spoken:
    """What has come of one text."""

    def __init__(self, text: str, codec: Codec) -> None:
        self._codec = codec
        self._words = WordTimes(text)
        self._sample_bytes = 2 if codec.encoding is Encoding.L16 else 1
        self._most_bytes = codec.size_bytes(_LONGEST_MS + _LONGEST_CHARACTER_MS * len(text))
        self._half = b""
        self._size = 0
        self._chunks = 0
        self.complete = False

    @property
    def is_first(self) -> bool:
        """Whether one chunk has come, and no other."""
        return self._chunks == 1

    @property
    def is_silent(self) -> bool:
        """Whether no sound has come."""
        return self._size == 0

    def take(self, message: str) -> SpeechChunk | None:
        """Return the sound of a message, whole samples, with the words that are whole now.

        Raises ``ProviderError`` or ``BadMessage``.
        """
        answer = read_answer(message)
        if answer.error is not None or (answer.message is not None and answer.audio is None):
            failure, retryable = failure_of_error(answer.error or "")
            raise ProviderError(failure, retryable=retryable)
        offset_ms = self._size * 1000 // self._codec.bytes_per_second
        words = self._words.push(answer.alignment, offset_ms)
        sound = self._half + (answer.audio or b"")
        whole = len(sound) - len(sound) % self._sample_bytes
        self._half = sound[whole:]
        self._size += whole
        if self._size > self._most_bytes:
            raise ProviderError("bad_answer", retryable=True)
        if answer.is_final:
            self.complete = True
            words += self._words.finish()
        if not whole and not words:
            return None
        self._chunks += 1
        return SpeechChunk(sound[:whole], words)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None
