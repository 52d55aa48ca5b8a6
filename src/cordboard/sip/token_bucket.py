"""How many requests one source may send: a token bucket for each, in a bounded table."""

from __future__ import annotations

from collections import OrderedDict


class SourceBuckets:
    """Allows ``burst_count`` requests per source within ``window_ms`` (30 in 2 s).

    Use it in the user agent's ``accepts_source`` hook. Beyond ``limit`` sources the one that was
    silent for longest is forgotten.
    """

    __slots__ = ("_buckets", "_burst", "_limit", "_window_ms")

    def __init__(self, burst_count: int = 30, window_ms: int = 2_000, limit: int = 10_000) -> None:
        self._burst = burst_count
        self._window_ms = window_ms
        self._limit = limit
        self._buckets: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, host: str, now_ms: int) -> bool:
        """Take one token of a source; False if it has none left."""
        tokens, since_ms = self._buckets.get(host, (float(self._burst), now_ms))
        refill = (now_ms - since_ms) * self._burst / self._window_ms
        tokens = min(float(self._burst), tokens + refill)
        allowed = tokens >= 1.0
        self._buckets[host] = (tokens - 1.0 if allowed else tokens, now_ms)
        self._buckets.move_to_end(host)
        if len(self._buckets) > self._limit:
            self._buckets.popitem(last=False)
        return allowed
