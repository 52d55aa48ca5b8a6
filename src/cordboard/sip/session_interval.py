"""Session timers (RFC 4028): what is agreed, and when a silent call is over."""

from __future__ import annotations

from cordboard.sip.core import Core, Leg, LegTimer, SessionInterval
from cordboard.sip.fields import BadField, parse_parameters, parse_tokens
from cordboard.sip.message import Request, Response
from cordboard.sip.responses import Fields


def asked_interval(message: Request | Response) -> tuple[int, str] | None:
    """Return interval in seconds and refresher (may be empty), or None. Raises ``BadField``."""
    value = message.headers.get("session-expires")
    if value is None:
        return None
    number, mark, rest = value.partition(";")
    number = number.strip()
    if not (number.isascii() and number.isdigit() and len(number) <= 9):
        raise BadField("Session-Expires: not a number")
    refresher = parse_parameters(mark + rest, "Session-Expires").get("refresher", "")
    return int(number), refresher.lower()


def agree(core: Core, leg: Leg, request: Request, now_ms: int) -> Fields:
    """Start or move the session timer by a request that we accept; return the answer's fields.

    The interval is the asked one. The peer refreshes, unless it cannot or wants us to.
    """
    leg.peer_allows_update = "update" in parse_tokens(request.headers.every("allow"))
    asked = asked_interval(request)
    if asked is None:
        leg.session = None
        core.stop(leg, LegTimer.SESSION)
        return ()
    interval_s, refresher = asked
    supported = "timer" in parse_tokens(request.headers.every("supported"))
    we_refresh = refresher == "uas" or not supported
    leg.session = SessionInterval(interval_s, we_refresh)
    restart(core, leg, now_ms)
    who = "uas" if we_refresh else "uac"
    fields: Fields = (("Session-Expires", f"{interval_s};refresher={who}"),)
    return (*fields, ("Require", "timer")) if supported else fields


def restart(core: Core, leg: Leg, now_ms: int) -> None:
    """Start the interval anew after a refresh by either side."""
    if leg.session is None:
        return
    interval_s = leg.session.interval_s
    wait_s = interval_s // 2 if leg.session.we_refresh else interval_s - min(32, interval_s // 3)
    core.start(leg, LegTimer.SESSION, now_ms + 1_000 * wait_s)


def take_answer(core: Core, leg: Leg, response: Response, now_ms: int) -> None:
    """Start the timer by the 2xx to a request of ours (the peer may add one, RFC 4028 7.2)."""
    leg.peer_allows_update = leg.peer_allows_update or "update" in parse_tokens(
        response.headers.every("allow")
    )
    try:
        asked = asked_interval(response)
    except BadField:
        return
    if asked is None or asked[0] < core.config.min_session_s:
        return
    leg.session = SessionInterval(asked[0], asked[1] != "uas")
    restart(core, leg, now_ms)
