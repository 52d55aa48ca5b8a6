"""A provider's stream, read with a deadline for each piece and always closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Generic, TypeVar

from cordboard.ports import ProviderError

T = TypeVar("T")


class Stream(Generic[T]):
    """``async with Stream(iterator)`` closes the iterator, which cancels what it was doing."""

    __slots__ = ("_iterator",)

    def __init__(self, iterator: AsyncIterator[T]) -> None:
        self._iterator = iterator

    async def __aenter__(self) -> Stream[T]:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        close = getattr(self._iterator, "aclose", None)
        if close is not None:
            await close()

    async def next(self, wait_s: float) -> T | None:
        """Return the next piece, None at the end; raises ``ProviderError("timeout")`` after
        ``wait_s``.
        """
        try:
            async with asyncio.timeout(wait_s):
                return await anext(self._iterator, None)
        except TimeoutError:
            raise ProviderError("timeout", retryable=True) from None
