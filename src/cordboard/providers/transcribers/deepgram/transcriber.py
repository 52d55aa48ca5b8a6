"""The transcriber port over Deepgram's WebSocket."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, cast

import aiohttp

from cordboard.call.expectation import Expectation
from cordboard.call.plan import TranscriberPlan
from cordboard.media.codec import FRAMES_PER_SECOND, L16_8K, L16_16K, PCMA, PCMU, Codec
from cordboard.ports import ProviderError, TranscriberFailed, TranscriberWords
from cordboard.providers.retry_after import retry_after_s
from cordboard.providers.transcribers.deepgram.socket import DirectSocket
from cordboard.providers.transcribers.deepgram.wire import (
    CLOSE_STREAM,
    FINALIZE,
    KEEP_ALIVE,
    BadMessage,
    ListenOptions,
    Message,
    failure_of_close,
    failure_of_status,
    listen_query,
    read_message,
)
from cordboard.providers.vendor_sockets import vendor_sockets

VENDOR_URL = "https://api.deepgram.com"
_CODECS = (PCMU, PCMA, L16_16K, L16_8K)
_CLOSE_S = 0.3
# The vendor closes after 10 s without a message.
_KEEP_ALIVE_S = 4.0
_WAITING_FRAMES = 3 * FRAMES_PER_SECOND
_MOST_UNSENT_BYTES = 32 * 1024
_KERNEL_BYTES = 32 * 1024
_MOST_MESSAGE_BYTES = 1024 * 1024
# A message costs the same however short it is. So long after the last speech nobody waits for
# words, and silence goes five frames at a time.
_LULL_FRAMES = 3 * FRAMES_PER_SECOND // 2
_LULL_MESSAGE_FRAMES = 5
# Sound beyond a Finalize that was listened to without a word: nothing was left to finalize.
_PAST_FINALIZE_S = 0.3

Report = Callable[[TranscriberWords | TranscriberFailed], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeepgramOptions:
    """Where the vendor is, and how it listens where a plan does not say."""

    api_key: str = field(repr=False)
    base_url: str = VENDOR_URL
    listen: ListenOptions = field(default_factory=ListenOptions)


class DeepgramTranscriber:
    """Opens one WebSocket for each stream.

    Used as ``async with DeepgramTranscriber(options) as transcriber``, entered and left by the
    same task, which owns the streams' readers.
    """

    def __init__(self, options: DeepgramOptions) -> None:
        self._options = options
        self._group = asyncio.TaskGroup()
        self._streams: dict[asyncio.Task[None], DeepgramStream] = {}
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Connect nothing yet."""
        await self._group.__aenter__()
        key = {"Authorization": f"Token {self._options.api_key}"}
        self._http = vendor_sockets(DirectSocket, key)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close every stream that is still open."""
        left = dict(self._streams)
        for reader in left:
            reader.cancel()
        try:
            await self._group.__aexit__(None, None, None)
        finally:
            for stream in left.values():
                stream.free()
            if self._http is not None:
                await self._http.close()

    def codecs(self, plan: TranscriberPlan) -> Sequence[Codec]:
        """Return G.711 first: a telephone leg's own bytes pass through unchanged."""
        return _CODECS

    async def open(
        self, plan: TranscriberPlan, codec: Codec, language: str, report: Report
    ) -> DeepgramStream:
        """Open a stream. Raises ``ProviderError``."""
        if codec not in _CODECS:
            raise ProviderError("rejected")
        query = listen_query(plan, codec, language, self._options.listen)
        stream = DeepgramStream(await self._connect(query), codec, report)
        task = self._group.create_task(stream.read(), name="deepgram stream")
        self._streams[task] = stream
        task.add_done_callback(self._streams.pop)
        return stream

    async def _connect(self, query: list[tuple[str, str]]) -> DirectSocket:
        if self._http is None or self._http.closed:
            raise ProviderError("unavailable")
        try:
            opened = await self._http.ws_connect(
                f"{self._options.base_url.rstrip('/')}/v1/listen",
                params=query,
                timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_S),
                max_msg_size=_MOST_MESSAGE_BYTES,
            )
        except aiohttp.WSServerHandshakeError as refusal:
            failure, retryable = failure_of_status(refusal.status)
            asked_s = retry_after_s(refusal.headers)
            raise ProviderError(failure, retryable=retryable, retry_after_s=asked_s) from None
        except TimeoutError:
            raise ProviderError("timeout", retryable=True) from None
        except (aiohttp.ClientError, OSError):
            raise ProviderError("unavailable", retryable=True) from None
        return cast(DirectSocket, opened)


class DeepgramStream:
    """One call's stream.

    Sound is written at once. While the vendor does not read, 3 s of it wait here, the oldest is
    dropped, beside what lies in the transport's buffer (at most 32 KiB) and the kernel's. In a lull
    of 1.5 s without speech it is written every 100 ms, at once when speech begins.
    """

    def __init__(self, opened: DirectSocket, codec: Codec, report: Report) -> None:
        self._socket = opened
        self._outbox = _Outbox(opened, codec)
        self._words = _Words(report)
        self._closed = False
        kernel = opened.get_extra_info("socket")
        if kernel is not None:
            kernel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BYTES)
        self._alive = asyncio.get_running_loop().call_later(_KEEP_ALIVE_S, self._keep_alive, 0)

    def feed(self, payload: bytes) -> None:
        """Write the next frame, or some together in a lull; never waits."""
        self._outbox.put_sound(payload)

    def speech_started(self) -> None:
        """Write from now on at once; the vendor listens all the time."""
        self._outbox.speech(True)

    def speech_stopped(self) -> None:
        """Ask for the final words of what has been sent."""
        self._outbox.speech(False)
        self._outbox.put(FINALIZE)
        self._words.finalize_asked(self._outbox.sent_s)

    def expect(self, expectation: Expectation) -> None:
        """Ignored: every word may be heard."""

    async def close(self) -> None:
        """Say goodbye and close, at most for 0.3 s; nothing is reported any more."""
        self._words.silence()
        if self._closed:
            return
        self._closed = True
        self._alive.cancel()
        self._outbox.put(CLOSE_STREAM)
        try:
            await self._socket.close()
        finally:
            self._socket.free()

    def free(self) -> None:
        """Give up everything at once, without a goodbye."""
        self._words.silence()
        self._closed = True
        self._alive.cancel()
        self._socket.free()

    async def read(self) -> None:
        """Report what the vendor sends until the socket ends; then that it is dead."""
        failure = None
        try:
            async for message in self._socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._words.take(read_message(message.data))
        except BadMessage:
            failure = "bad_answer"
        except (aiohttp.ClientError, OSError):
            failure = "unavailable"
        finally:
            self._alive.cancel()
        self._words.failed(failure or failure_of_close(self._socket.close_code))
        await self.close()

    def _keep_alive(self, fed_bytes: int) -> None:
        """Keep the socket open while no sound is fed: before the call is answered."""
        if self._outbox.fed_bytes == fed_bytes:
            self._outbox.put(KEEP_ALIVE)
        fed_bytes = self._outbox.fed_bytes
        loop = asyncio.get_running_loop()
        self._alive = loop.call_later(_KEEP_ALIVE_S, self._keep_alive, fed_bytes)


class _Outbox:
    """What is on its way to the vendor, in order."""

    def __init__(self, opened: DirectSocket, codec: Codec) -> None:
        self._socket = opened
        self._waiting: deque[bytes | str] = deque(maxlen=_WAITING_FRAMES)  # the oldest is dropped
        self._most_unsent_bytes = min(codec.bytes_per_second, _MOST_UNSENT_BYTES)
        self._bytes_per_second = codec.bytes_per_second
        self._sent_bytes = 0
        self._speaking = False
        self._quiet_frames = 0
        self.fed_bytes = 0

    @property
    def sent_s(self) -> float:
        """How many seconds of sound have been written."""
        return self._sent_bytes / self._bytes_per_second

    def speech(self, on: bool) -> None:
        """Say whether the caller speaks."""
        self._speaking, self._quiet_frames = on, 0
        self._write()

    def put_sound(self, frame: bytes) -> None:
        """Write a frame, or keep it for a moment in a lull."""
        self.fed_bytes += len(frame)
        self._waiting.append(frame)
        if not self._speaking:
            self._quiet_frames += 1
            if self._quiet_frames > _LULL_FRAMES and len(self._waiting) < _LULL_MESSAGE_FRAMES:
                return
        self._write()

    def put(self, message: str) -> None:
        """Write a message behind all sound."""
        self._waiting.append(message)
        self._write()

    def _write(self) -> None:
        """Write what waits, unless the vendor does not read."""
        while self._waiting and self._socket.unsent_bytes < self._most_unsent_bytes:
            message = self._waiting.popleft()
            if isinstance(message, bytes):
                message = self._with_those_behind(message)
                self._sent_bytes += len(message)
            try:
                self._socket.send_now(message)
            except ConnectionError:
                return  # the reader tells that the stream is dead

    def _with_those_behind(self, frame: bytes) -> bytes:
        """Join a frame with the ones that wait behind it, up to five."""
        frames = [frame]
        while self._waiting and len(frames) < _LULL_MESSAGE_FRAMES:
            behind = self._waiting[0]
            if isinstance(behind, str):
                break
            frames.append(behind)
            self._waiting.popleft()
        return b"".join(frames) if len(frames) > 1 else frame


class _Words:
    """The vendor's results as the port's words.

    A stretch of speech is a row of partial results and a final one; a turn may have several
    stretches. The end of a turn is the vendor's ``speech_final``, except where we asked for it
    ourselves, or its ``UtteranceEnd``.
    """

    def __init__(self, report: Report) -> None:
        self._report: Report | None = report
        self._partial = False
        self._in_turn = False
        self._owed_s: float | None = None

    def silence(self) -> None:
        """Report nothing more."""
        self._report = None

    def failed(self, failure: str) -> None:
        """Report that the stream is dead, and nothing after it."""
        report, self._report = self._report, None
        if report is not None:
            report(TranscriberFailed(failure))

    def finalize_asked(self, sent_s: float) -> None:
        """Owe a final for the sound so far, an empty one if nothing is left of it."""
        self._owed_s = sent_s

    def take(self, message: Message) -> None:
        """Report what a message tells, if anything."""
        if message.type == "Results":
            self._results(message)
        elif message.type == "UtteranceEnd" and self._in_turn and not self._partial:
            self._final("", ends_turn=True, confidence=None)
        elif message.type == "Error":
            raise BadMessage("message: an error")

    def _results(self, message: Message) -> None:
        best = message.best
        text = best.transcript.strip()
        if not message.is_final:
            if text:
                self._partial = self._in_turn = True
                self._say(TranscriberWords(text, final=False, confidence=best.confidence))
            elif self._is_past_finalize(message):
                self._final("", ends_turn=False, confidence=None)
            return
        asked = bool(message.from_finalize)
        ends_turn = bool(message.speech_final) and not asked
        owed = asked or self._is_past_finalize(message)
        if text or self._partial or owed or (ends_turn and self._in_turn):
            self._in_turn = self._in_turn or bool(text)
            self._final(text, ends_turn=ends_turn, confidence=best.confidence if text else None)

    def _is_past_finalize(self, message: Message) -> bool:
        end_s = message.start + message.duration
        return self._owed_s is not None and end_s >= self._owed_s + _PAST_FINALIZE_S

    def _final(self, text: str, *, ends_turn: bool, confidence: float | None) -> None:
        self._partial = False
        self._owed_s = None
        if ends_turn:
            self._in_turn = False
        words = TranscriberWords(text, final=True, ends_turn=ends_turn, confidence=confidence)
        self._say(words)

    def _say(self, words: TranscriberWords) -> None:
        if self._report is not None:
            self._report(words)
