"""Whether somebody speaks SIP at an address: one OPTIONS (RFC 3261, 11) and any answer to it."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable
from contextlib import suppress

from cordboard.sip.datagram import Address

ANSWER_S = 4.0
AGAIN_S = 0.5
_TARGET = re.compile(r"[sS][iI][pP]:(?:[^@;]*@)?(\[[0-9a-fA-F:.]+\]|[^:;?\[\]]+)(?::(\d{1,5}))?")
_STATUS = re.compile(rb"SIP/2\.0 (\d{3}) ")


class NoAnswer(Exception):
    """Nobody answered; the text says what is known."""


async def ping(
    target: str,
    tag: str,
    local_host: str = "",
    permits: Callable[[Address], bool] = lambda address: True,
) -> int:
    """Send OPTIONS to a SIP URI by UDP, repeated while there is no answer; return its status.

    ``tag`` makes the request unique; it must be a token. ``permits`` is asked before anything is
    sent. Raises ``NoAnswer``.
    """
    found = _TARGET.match(target)
    if found is None:
        raise NoAnswer("its target is no SIP URI")
    host, port = found[1].strip("[]"), int(found[2] or 5060)
    loop = asyncio.get_running_loop()
    try:
        address = (await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM))[0]
    except OSError:
        raise NoAnswer("its name is not known to the name service") from None
    if not permits((str(address[4][0]), port)):
        raise NoAnswer("it leads to an address or port that is not open to trunks")
    with socket.socket(address[0], socket.SOCK_DGRAM) as wire:
        wire.setblocking(False)
        try:
            wire.bind((local_host, 0))
            wire.connect(address[4])
            return await _asked(wire, target, tag)
        except OSError as problem:
            raise NoAnswer(str(problem.strerror or "cannot be reached")) from None


async def _asked(wire: socket.socket, target: str, tag: str) -> int:
    loop = asyncio.get_running_loop()
    request = _options(target, tag, wire.getsockname())
    wait_s = AGAIN_S
    with suppress(TimeoutError):
        async with asyncio.timeout(ANSWER_S):
            while True:
                await loop.sock_sendall(wire, request)
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        while True:
                            answer = await loop.sock_recv(wire, 65_535)
                            status = _STATUS.match(answer)
                            if status is not None and tag.encode() in answer:
                                return int(status[1])
                wait_s *= 2
    raise NoAnswer(f"no answer to OPTIONS within {ANSWER_S:.0f} s")


def _options(target: str, tag: str, local: tuple[str, int]) -> bytes:
    host = f"[{local[0]}]" if ":" in local[0] else local[0]
    lines = [
        f"OPTIONS {target.partition('?')[0]} SIP/2.0",
        f"Via: SIP/2.0/UDP {host}:{local[1]};rport;branch=z9hG4bK{tag}",
        "Max-Forwards: 70",
        f"From: <sip:doctor@{host}>;tag={tag}",
        f"To: <{target.partition('?')[0]}>",
        f"Call-ID: {tag}@{host}",
        "CSeq: 1 OPTIONS",
        f"Contact: <sip:doctor@{host}:{local[1]}>",
        "Accept: application/sdp",
        "Content-Length: 0",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
