"""What is watched of every request on its way out."""

from __future__ import annotations

from types import SimpleNamespace

import aiohttp

from cordboard.egress.errors import BadAnswer


def watched() -> aiohttp.TraceConfig:
    """Call what a request's ``trace_request_ctx`` holds when it is on its way; follow no redirect,
    not even where the HTTP client would.
    """
    watch = aiohttp.TraceConfig()
    watch.on_request_chunk_sent.append(_on_sent)
    watch.on_request_redirect.append(_on_redirect)
    return watch


async def _on_sent(
    _http: object,
    request: SimpleNamespace,
    _sent: aiohttp.TraceRequestChunkSentParams,
) -> None:
    if request.trace_request_ctx is not None:
        request.trace_request_ctx()


async def _on_redirect(
    _http: object,
    _request: SimpleNamespace,
    _redirect: aiohttp.TraceRequestRedirectParams,
) -> None:
    raise BadAnswer("the target answered with a redirect")
