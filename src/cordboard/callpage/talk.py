"""The conversation and its timing, as markup."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from cordboard.callpage.markup import (
    Markup,
    element,
    joined,
    json_text,
    milliseconds,
    moment,
    table,
    text,
)
from cordboard.callpage.measure import TOLERANCE_MS, Measured, TurnTiming
from cordboard.callpage.turns import (
    ActionRun,
    CallerWords,
    Exchange,
    Item,
    Note,
    Stages,
    Utterance,
)

_SHORTEST_MS: Final = 400
_STAGES: Final = (
    ("s1", "turn end"),
    ("s2", "first text"),
    ("s3", "first sound"),
    ("s4", "playout"),
)
_STAGES_OF_APP: Final = tuple(
    (kind, "app's answer" if kind == "s2" else name) for kind, name in _STAGES
)


def conversation(exchanges: Sequence[Exchange]) -> Markup:
    """Return everything that was said and done, in order."""
    pieces: list[Markup] = []
    longest_ms = max((exchange.stages.delay_ms or 0 for exchange in exchanges), default=0)
    for exchange in exchanges:
        if exchange.caller is not None:
            pieces.append(_caller(exchange.caller))
        waiting = exchange.stages.playout_ms is not None and exchange.caller is not None
        for item in exchange.items:
            if waiting and isinstance(item, Utterance):
                pieces.append(_stack(exchange.stages, longest_ms))
                waiting = False
            pieces.append(_item(item))
    if not any(pieces):
        pieces = [element("p", "Nothing was said.", kind="soft")]
    return element("div", joined(*pieces), kind="talk")


def timing_table(timings: Sequence[TurnTiming], *, recorded: bool) -> Markup:
    """Return each turn's stages, and what the recording says of them."""
    names = stage_names([timing.exchange for timing in timings])
    heads = [("Turn", ""), ("Caller stopped", "num"), *((f"+ {n}", "num") for _, n in names)]
    heads += [("Response delay", "num")]
    if recorded:
        heads += [
            ("Delay, heard", "num"),
            ("Stop Δ", "num"),
            ("Start Δ", "num"),
            ("Delay Δ", "num"),
        ]
    rows = []
    for timing in timings:
        stages = timing.exchange.stages
        name = "Greeting" if timing.exchange.caller is None else str(timing.exchange.number)
        cells = [element("td", name), _number(moment(stages.stopped_ms))]
        cells += [_number(milliseconds(length)) for length in stage_lengths(stages)]
        cells.append(element("td", element("b", milliseconds(stages.delay_ms)), kind="num"))
        if recorded:
            cells.append(_number(milliseconds(timing.delay.heard_ms)))
            cells += [_difference(each) for each in (timing.stopped, timing.playout, timing.delay)]
        rows.append(cells)
    return table(heads, rows)


def stage_names(exchanges: Iterable[Exchange]) -> tuple[tuple[str, str], ...]:
    """Return the colour and the name of each stage: a flow's app answers where a model writes."""
    by_app = any(exchange.stages.by_app for exchange in exchanges)
    return _STAGES_OF_APP if by_app else _STAGES


def legend(exchanges: Iterable[Exchange]) -> Markup:
    """Return what the colours of the timing bars mean."""
    names = stage_names(exchanges)
    return joined(
        *(element("span", element("span", kind=f"dot {kind}"), name) for kind, name in names)
    )


def stage_lengths(stages: Stages) -> list[int | None]:
    """Return how long each stage took: turn end, first text or app's answer, first sound, playout.

    A stage that was not noted has None and its time is part of the next one's. Positions in the
    sound are frames and may lie a tick before the note of what led to them: no stage is negative.
    """
    lengths: list[int | None] = []
    before = stages.stopped_ms
    reached = (
        stages.ended_ms,
        stages.first_text_ms,
        stages.first_sound_ms,
        stages.playout_ms,
    )
    for at_ms in reached:
        if at_ms is None or before is None:
            lengths.append(None)
            continue
        if stages.playout_ms is not None:
            at_ms = min(at_ms, stages.playout_ms)
        lengths.append(max(0, at_ms - before))
        before = max(before, at_ms)
    return lengths


def _item(item: Item) -> Markup:
    if isinstance(item, CallerWords):
        return _caller(item)
    if isinstance(item, Utterance):
        return _agent(item)
    if isinstance(item, ActionRun):
        return _action(item)
    return _note(item)


def _caller(words: CallerWords) -> Markup:
    why = [f"Turn ended: {words.reason.replace('_', ' ')}"] if words.reason else []
    if words.stopped_ms is not None and words.ended_ms is not None:
        why.append(f"{milliseconds(words.ended_ms - words.stopped_ms)} after the caller stopped")
    return _said(
        "caller",
        "Caller",
        words.start_ms,
        words.stopped_ms,
        element("p", words.text or "(no words)"),
        element("div", ", ".join(why), kind="why") if why else text(""),
    )


def _agent(utterance: Utterance) -> Markup:
    heard, remarks = utterance.heard, []
    if heard is None:
        shown = element("p", element("del", utterance.text)) if utterance.text else text("")
        remarks.append("never heard" if utterance.start_ms is None else "end not on record")
    elif utterance.whole or not utterance.text.startswith(heard):
        shown = element("p", heard or utterance.text)
    else:
        rest = utterance.text[len(heard) :]
        shown = element("p", heard, element("del", rest, title="not heard"))
        remarks.append("cut short: the struck part was not heard")
    if utterance.kind not in ("", "reply"):
        remarks.insert(0, utterance.kind.replace("_", " "))
    return _said(
        "agent",
        "Agent",
        utterance.start_ms,
        utterance.end_ms,
        shown,
        element("div", " · ".join(remarks), kind="why") if remarks else text(""),
    )


def _said(side: str, name: str, start_ms: int | None, end_ms: int | None, *inner: Markup) -> Markup:
    who = element("div", element("b", name), element("span", moment(start_ms)), kind="who")
    if start_ms is None:
        return element("div", who, *inner, kind=f"said {side}")
    until = max(start_ms + _SHORTEST_MS, start_ms if end_ms is None else end_ms)
    return element("div", who, *inner, kind=f"said {side}", data_at=start_ms, data_to=until)


def _stack(stages: Stages, longest_ms: int) -> Markup:
    delay_ms = stages.delay_ms
    if delay_ms is None or delay_ms <= 0:
        return text("")
    parts = []
    names = _STAGES_OF_APP if stages.by_app else _STAGES
    for (kind, name), length in zip(names, stage_lengths(stages), strict=True):
        if length is not None and length > 0:
            share = min(100.0, 100 * length / longest_ms)
            parts.append((share, kind, f"{name}: {milliseconds(length)}"))
    bars, left = [], 0.0
    for share, kind, title in parts:
        place = {"x": round(left, 2), "width": round(share, 2), "height": 6}
        bars.append(element("rect", element("title", title), kind=kind, **place))
        left += share
    return element(
        "div",
        element("span", "Response delay ", element("b", milliseconds(delay_ms))),
        _svg(joined(*bars), "stack"),
        element("span", " · ".join(title for _, _, title in parts)),
        kind="timing",
    )


def _svg(inner: Markup, kind: str) -> Markup:
    return element(
        "svg", inner, kind=kind, viewBox="0 0 100 6", preserveAspectRatio="none", aria_hidden="true"
    )


def _action(run: ActionRun) -> Markup:
    state = ("", "under way") if run.success is None else _STATES[run.success]
    outcome = run.outcome.replace("_", " ") or state[1]
    if run.status_code is not None:
        outcome += f" · HTTP {run.status_code}"
    times = [f"started {moment(run.started_ms)}"]
    if run.sent_ms is not None:
        times.append(f"sent {moment(run.sent_ms)}")
    if run.finished_ms is not None:
        times.append(f"finished {moment(run.finished_ms)}")
        begun = run.sent_ms if run.sent_ms is not None else run.started_ms
        if begun is not None:
            times.append(f"took {milliseconds(run.finished_ms - begun)}")
    head = element(
        "div",
        element("b", "Action"),
        element("code", run.name),
        element("span", outcome, kind=f"pill {state[0]}".strip()),
        element("span", " · ".join(times), kind="soft"),
        kind="who",
    )
    answered = [_value(run.result)]
    if run.agent_message:
        answered.append(element("p", f"To be said: “{run.agent_message}”", kind="note"))
    sides = element(
        "div",
        element("div", element("h3", "Sent"), _value(run.arguments)),
        element("div", element("h3", "Answered"), *answered),
        kind="sides",
    )
    return element("div", head, sides, kind="run")


def _value(value: object) -> Markup:
    if value in (None, {}, ""):
        return element("p", "nothing", kind="note")
    return element("pre", element("code", json_text(value)))


def _note(note: Note) -> Markup:
    words = note.kind.replace("_", " ").capitalize()
    shown = f"{words}: {note.text}" if note.text else words
    return element("div", f"{moment(note.at_ms)}  {shown}", kind="remark")


_STATES: Final = {True: ("good", "success"), False: ("bad", "failed")}


def _number(shown: str) -> Markup:
    return element("td", shown, kind="num")


def _difference(measured: Measured) -> Markup:
    difference_ms = measured.difference_ms
    if difference_ms is None:
        return element("td", "–", kind="num soft")
    title = f"more than {TOLERANCE_MS} ms apart" if measured.is_off else None
    shown = milliseconds(difference_ms, signed=True)
    kind = "num off" if measured.is_off else "num"
    return element("td", f"⚠ {shown}" if measured.is_off else shown, kind=kind, title=title)
