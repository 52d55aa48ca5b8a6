"""A caller that speaks and understands tone code, with the true arrival times of its sound."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from benchmarks.caller import SILENCE, Callers, Noted, pace
from cordboard.media.codec import PCMU, new_decoder, new_encoder
from cordboard.media.tone_code import ToneDecoder, encode

_FRAME_BYTES = 160


class Caller:
    """One call of one person. Sound flows while ``Street`` paces it."""

    def __init__(self, callers: Callers, number: str) -> None:
        self.words: list[str] = []
        self.loud_at: list[float] = []
        self._decode = new_decoder(PCMU).to_pcm
        self._tones = ToneDecoder(PCMU.rate_hz)
        self._queue = bytearray()
        self._recent: deque[bytes] = deque(maxlen=25)
        self.call = callers.new_call(number, self._hear)

    @property
    def noted(self) -> Noted:
        """What happened when."""
        return self.call.noted

    @property
    def said(self) -> str:
        """All words the agent has said so far."""
        return " ".join(self.words)

    def say(self, text: str) -> None:
        """Queue words."""
        pcm, _ = encode(text, PCMU.rate_hz)
        sound = new_encoder(PCMU).from_pcm(pcm)
        self._queue += sound + b"\xff" * (-len(sound) % _FRAME_BYTES)

    def send_frame(self) -> None:
        """Send the next 20 ms."""
        payload = bytes(self._queue[:_FRAME_BYTES]) or SILENCE
        del self._queue[:_FRAME_BYTES]
        self.call.send_frame(payload)

    async def hear(self, text: str, wait_s: float = 15.0) -> None:
        """Wait until the agent has said these words."""
        await until(lambda: text in self.said, wait_s, lambda: f"{text!r} in {self.said!r}")

    def recent(self) -> bytes:
        """Return the last half second of what was heard, as PCM16 at 8 kHz."""
        return b"".join(self._recent)

    def _hear(self, payload: bytes, now: float) -> None:
        self._recent.append(self._decode(payload))
        if payload != SILENCE:
            self.loud_at.append(now)
        self.words += [heard.word for heard in self._tones.push(self._decode(payload))]


class Street:
    """Callers of one server, all on one 20 ms clock."""

    def __init__(self, callers: Callers) -> None:
        self._callers = callers
        self._people: list[Caller] = []

    def caller(self, number: str) -> Caller:
        """Return a new caller who has not rung yet."""
        person = Caller(self._callers, number)
        self._people.append(person)
        return person

    async def ring(self, number: str, count: int = 1) -> list[Caller]:
        """Let so many callers ring; all must be answered."""
        people = [self.caller(number) for _ in range(count)]
        statuses = await asyncio.gather(*(person.call.place() for person in people))
        assert set(statuses) == {200}, statuses
        return people

    def leave(self, person: Caller) -> None:
        """Let somebody send no more sound."""
        self._people.remove(person)

    def send_frames(self) -> None:
        """Let everybody send 20 ms."""
        for person in self._people:
            person.send_frame()

    def close(self) -> None:
        """Free every socket."""
        for person in self._people:
            person.call.close()


@asynccontextmanager
async def street(destination: tuple[str, int], prefix: str) -> AsyncIterator[Street]:
    """Open a street to a server; at its end every socket is closed without a word."""
    callers = Callers(destination, prefix)
    await callers.start()
    people = Street(callers)
    try:
        async with asyncio.TaskGroup() as group:
            pacing = group.create_task(pace(people.send_frames))
            try:
                yield people
            finally:
                pacing.cancel()
    finally:
        people.close()
        callers.close()


async def until(
    holds: Callable[[], bool] | Callable[[], Awaitable[bool]],
    wait_s: float,
    explain: Callable[[], object] = lambda: "",
) -> None:
    """Wait until something holds; an AssertionError with ``explain()`` when it never does."""
    try:
        async with asyncio.timeout(wait_s):
            while True:
                answer = holds()
                if answer if isinstance(answer, bool) else await answer:
                    return
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not within {wait_s} s: {explain()}") from None
