"""The call page: header, sound, conversation, timing and facts of one call in one file."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from cordboard.callpage import sound as sounds
from cordboard.callpage.markup import Markup, element, joined, milliseconds, moment, table, text
from cordboard.callpage.measure import TOLERANCE_MS, TurnTiming, quantile, timings
from cordboard.callpage.sound import Samples, Sound
from cordboard.callpage.talk import conversation as conversation_markup
from cordboard.callpage.talk import legend, timing_table
from cordboard.callpage.turns import ActionRun, CallerWords, Exchange, FactLike, conversation

_HERE: Final = Path(__file__).parent
_LANE: Final = 50
_MARK_COUNT: Final = 10
_ENDED: Final = {"ended": "good", "error": "bad", "in_progress": "warn"}
_ROWS: Final = (
    ("Call", "id"),
    ("Direction", "direction"),
    ("Carrier", "carrier"),
    ("Carrier's name for it", "telephony_id"),
    ("Started", "started_at"),
    ("Ended", "ended_at"),
    ("Stage", "stage"),
    ("Stage outcome", "stage_outcome"),
    ("End reason", "end_reason"),
    ("Error", "error_message"),
)


def render_call_page(
    call: Mapping[str, object], facts: Sequence[FactLike], recording: bytes | None
) -> str:
    """Return the page of a call as one HTML file that loads nothing.

    ``call`` has the columns of the call's row or the fields of the public API's object (``id``,
    ``status``, ``from_number``, ``to_number``, ``agent``, ``started_at`` or ``start_time``,
    ``ended_at`` or ``end_time``, ``end_reason``, …); what is missing is left out. ``facts`` are in
    order. ``recording`` is a stereo file, caller left; one that cannot be read is treated as
    missing, and the page says so.
    """
    shown = {**call, **_api_names(call)}
    problem, sound = None, None
    if recording is not None:
        try:
            sound = sounds.read(recording)
        except ValueError as error:
            problem = str(error)
    exchanges = conversation(facts)
    timed = timings(exchanges, sound)
    body = joined(
        _header(shown),
        _figures(shown, exchanges, timed, sound),
        _alert(shown, problem),
        _player(exchanges, sound),
        _conversation(exchanges),
        _timing(timed, recorded=sound is not None),
        _details(shown),
        _facts(facts),
        element("footer", "Made by Cordboard. This file is complete: it loads nothing."),
    )
    title = f"Call {shown.get('from_number', '')} → {shown.get('to_number', '')}"
    return _document(title, body)


def _document(title: str, body: Markup) -> str:
    style = (_HERE / "style.css").read_text("utf-8")
    script = (_HERE / "player.js").read_text("utf-8")
    policy = (
        f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)}; "
        "media-src data:; base-uri 'none'; form-action 'none'"
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{text(policy)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{text(title)}</title>\n<style>{style}</style>\n</head>\n"
        f"<body>\n<main>{body}</main>\n<script>{script}</script>\n</body>\n</html>\n"
    )


def _digest(content: str) -> str:
    digest = hashlib.sha256(content.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _api_names(call: Mapping[str, object]) -> dict[str, object]:
    pairs = (("started_at", "start_time"), ("ended_at", "end_time"))
    return {ours: call[theirs] for ours, theirs in pairs if call.get(theirs) and not call.get(ours)}


def _header(call: Mapping[str, object]) -> Markup:
    status = str(call.get("status") or "unknown")
    numbers = element(
        "h1",
        call.get("from_number") or "unknown",
        element("span", "→", kind="arrow"),
        call.get("to_number") or "unknown",
    )
    said = [_agent_name(call), _time(call.get("started_at"))]
    return joined(
        element(
            "div",
            numbers,
            element(
                "span", status.replace("_", " "), kind=f"pill {_ENDED.get(status, '')}".strip()
            ),
            kind="top",
        ),
        element("p", " · ".join(each for each in said if each), kind="sub"),
    )


def _figures(
    call: Mapping[str, object],
    exchanges: Sequence[Exchange],
    timed: Sequence[TurnTiming],
    sound: Sound | None,
) -> Markup:
    noted = (timing.exchange.stages.delay_ms for timing in timed)
    delays = [delay_ms for delay_ms in noted if delay_ms is not None]
    items = [item for exchange in exchanges for item in exchange.items]
    turns = sum(exchange.caller is not None for exchange in exchanges)
    turns += sum(isinstance(item, CallerWords) for item in items)
    runs = [item for item in items if isinstance(item, ActionRun)]
    failed = sum(run.success is False for run in runs)
    figures = [
        (moment(_duration_ms(call, sound)), "duration"),
        (str(turns), "caller's turns" if turns != 1 else "caller's turn"),
        (milliseconds(quantile(delays, 0.5)), "response delay, median"),
        (milliseconds(max(delays, default=None)), "response delay, longest"),
        (str(len(runs)), f"actions, {failed} failed" if failed else "actions"),
        (str(call.get("end_reason") or "–").replace("_", " "), "end reason"),
    ]
    return element(
        "div",
        *(
            element("div", element("b", value), element("span", name), kind="figure")
            for value, name in figures
        ),
        kind="figures",
    )


def _alert(call: Mapping[str, object], problem: str | None) -> Markup:
    messages = [str(each) for each in (call.get("error_message"), problem) if each]
    return joined(*(element("div", message, kind="card alert") for message in messages))


def _player(exchanges: Sequence[Exchange], sound: Sound | None) -> Markup:
    if sound is None:
        return element("p", "There is no recording of this call.", kind="card soft")
    play = Markup(
        '<svg class="play" viewBox="0 0 14 14"><path d="M2 0l12 7-12 7z"/></svg>'
        '<svg class="pause" viewBox="0 0 14 14"><path d="M2 1h4v12H2zM8 1h4v12H8z"/></svg>'
    )
    bar = element(
        "div",
        element("button", play, id="play", type="button", aria_label="Play or pause"),
        element("span", f"0:00 / {moment(sound.duration_ms)[:-2]}", kind="clock", id="clock"),
        element(
            "audio",
            id="sound",
            preload="auto",
            src=Markup(sounds.playable(sound)),
            data_length=sound.duration_ms,
        ),
        element(
            "span",
            element("button", "−", id="out", type="button", aria_label="Show more of the call"),
            element("button", "+", id="in", type="button", aria_label="Show less of the call"),
            kind="zoom",
        ),
        element(
            "span",
            element("span", element("span", kind="dot caller"), "Caller"),
            element("span", element("span", kind="dot agent"), "Agent"),
            element("span", "Click to seek, space plays, dashes are ends of turns"),
            kind="legend",
        ),
        kind="bar",
    )
    wave = element(
        "div", _wave(exchanges, sound), element("div", id="head"), kind="wave", id="wave"
    )
    marks = [
        moment(sound.duration_ms * part // _MARK_COUNT)[:-2] for part in range(_MARK_COUNT + 1)
    ]
    ruler = element("div", *(element("span", mark) for mark in marks), kind="ruler")
    track = element("div", wave, ruler, id="track")
    return element("section", bar, element("div", track, id="strip"), kind="card player")


def _wave(exchanges: Sequence[Exchange], sound: Sound) -> Markup:
    width = max(1, sound.duration_ms)
    items = [item for exchange in exchanges for item in exchange.items]
    back = [_span(item, width) for item in items if isinstance(item, ActionRun)]
    ends = [
        _line("end", exchange.caller.ended_ms, 0, 4 * _LANE)
        for exchange in exchanges
        if exchange.caller is not None and exchange.caller.ended_ms is not None
    ]
    lanes = joined(
        _lane("caller", sound.caller, sound.rate_hz, _LANE),
        _lane("agent", sound.agent, sound.rate_hz, 3 * _LANE),
    )
    middle = element("line", kind="middle", x1=0, x2=width, y1=2 * _LANE, y2=2 * _LANE)
    return element(
        "svg",
        *back,
        middle,
        lanes,
        *ends,
        viewBox=f"0 0 {width} {4 * _LANE}",
        preserveAspectRatio="none",
        role="img",
        aria_label="Waveforms of caller and agent",
    )


def _lane(kind: str, samples: Samples, rate_hz: int, middle: int) -> Markup:
    """Return one side's waveform: a shape as high as the sound is loud, around ``middle``."""
    values = sounds.peaks(samples, rate_hz)
    if not values:
        return text("")
    step = len(samples) * 1000 / rate_hz / len(values)
    heights = [max(0.4, value / 100 * (_LANE - 5)) for value in values]
    over = [f"{n * step:.0f} {middle - height:.1f}" for n, height in enumerate(heights)]
    under = [f"{n * step:.0f} {middle + height:.1f}" for n, height in enumerate(heights)]
    points = "L".join(over + under[::-1])
    return element("path", kind=kind, d=f"M{points}Z")


def _line(kind: str, at_ms: int, top: int, bottom: int) -> Markup:
    return element("line", kind=kind, x1=at_ms, x2=at_ms, y1=top, y2=bottom)


def _span(run: ActionRun, width: int) -> Markup:
    if run.started_ms is None:
        return text("")
    end_ms = run.finished_ms if run.finished_ms is not None else width
    length = max(width // 400, end_ms - run.started_ms)
    name = element("title", f"Action {run.name}")
    return element("rect", name, kind="act", x=run.started_ms, y=0, width=length, height=4 * _LANE)


def _conversation(exchanges: Sequence[Exchange]) -> Markup:
    head = element(
        "h2",
        "Conversation",
        element("small", "what the caller heard"),
        element("span", legend(exchanges), kind="legend"),
    )
    return element("section", head, conversation_markup(exchanges), kind="card")


def _timing(timed: Sequence[TurnTiming], *, recorded: bool) -> Markup:
    if not timed:
        return text("")
    measured = [each for one in timed for each in (one.stopped, one.playout)]
    off = sum(each.is_off for each in measured)
    compared = sum(each.difference_ms is not None for each in measured)
    remark = "from the timeline"
    if recorded and compared:
        remark = f"timeline against recording: {compared - off} of {compared} moments agree"
    head = element("h2", "Timing of each turn", element("small", remark))
    note = element(
        "p",
        "Δ is what the recording shows minus what the timeline says: where the caller’s sound ends "
        "and where the agent’s begins, found by energy alone. "
        f"More than ±{TOLERANCE_MS} ms is marked. A stage without a figure was not noted; its time "
        "is part of the next one.",
        kind="note",
    )
    inner = [head, timing_table(timed, recorded=recorded)]
    return element("section", *inner, note if recorded else text(""), kind="card")


def _details(call: Mapping[str, object]) -> Markup:
    rows = [("Flow" if call.get("operator") == "flow" else "Agent", _agent_name(call))]
    rows += [(name, _plain(call.get(key))) for name, key in _ROWS]
    listed = joined(
        *(joined(element("dt", name), element("dd", value)) for name, value in rows if value)
    )
    return element("section", element("h2", "The call"), element("dl", listed), kind="card")


def _facts(facts: Sequence[FactLike]) -> Markup:
    rows = [
        [
            element("td", str(fact.sequence), kind="num soft"),
            element("td", moment(fact.at_ms), kind="num"),
            element("td", element("code", fact.kind)),
            element("td", element("span", _content(fact)), kind="text mono"),
        ]
        for fact in facts
    ]
    heads = [("#", "num"), ("At", "num"), ("Event", ""), ("Content", "")]
    summary = element("summary", "Timeline", element("small", f"{len(rows)} events"))
    inside = element("details", summary, table(heads, rows, "facts"))
    return element("section", inside, kind="card")


def _content(fact: FactLike) -> str:
    return "  ".join(f"{key}={_plain(value)}" for key, value in fact.content.items())


def _agent_name(call: Mapping[str, object]) -> str:
    agent = call.get("agent") or call.get("flow")
    if isinstance(agent, Mapping):
        return _plain(agent.get("name") or agent.get("id"))
    return _plain(agent or call.get("agent_id"))


def _time(value: object) -> str:
    if isinstance(value, datetime):
        return value.strftime("%d %B %Y, %H:%M:%S %Z").lstrip("0")
    return _plain(value)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return _time(value)
    return "" if value is None else str(value)


def _duration_ms(call: Mapping[str, object], sound: Sound | None) -> int | None:
    begun, ended = call.get("started_at"), call.get("ended_at")
    if isinstance(begun, datetime) and isinstance(ended, datetime):
        return int((ended - begun).total_seconds() * 1000)
    return None if sound is None else sound.duration_ms
