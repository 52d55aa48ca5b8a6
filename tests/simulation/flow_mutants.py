"""A flow's call whose app sends nothing but mutated actions, through the reader that is used."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence

from cordboard.call.events import AppAnswered, AppWarned, Event
from cordboard.call.flow.actions import FlowAudio
from cordboard.call.flow.plan import FlowPlan
from cordboard.clock import run_virtual
from cordboard.flow_apps.answers import Answer, AnswerReader
from cordboard.flow_apps.problems import shown
from cordboard.flow_apps.voices import Voices
from cordboard.ids import Randomness
from cordboard.ports import AppLine, NewCall
from tests.simulation.flows import FlowWorld
from tests.simulation.invariants import Violated
from tests.simulation.mutants import OTHER_SESSION, SESSION, mutant
from tests.simulation.world import Outcome

PROBLEMS_MAX = 20
PER_CALL = 40


def simulate(seed: int) -> tuple[Outcome, int]:
    """Run the call of this seed; returns how it went, and how many documents it was sent. Raises
    ``Violated`` with the command that replays it.
    """
    world = FlowWorld(seed)
    apps = Mutants(world.flow, world.root.fork("mutants"))
    world.apps, world.calm = apps, False
    try:
        outcome = run_virtual(world.play())
        if apps.broken:
            raise Violated(f"something of ours broke: {apps.broken}")
        return outcome, apps.count
    except Violated as violated:
        replay = f".venv/bin/python -m tests.simulation mutants {seed}"
        raise Violated(f"seed {seed}: {violated}\nreplay: {replay}") from violated


class Mutants:
    """``ports.FlowApps`` with an app that sends one document after another. ``count`` of them went
    to a call.
    """

    def __init__(self, plan: FlowPlan, draw: Randomness) -> None:
        self.count = 0
        self.broken: list[str] = []
        self._plan = plan
        self._draw = draw
        voices = Voices(configured=("azure", "tone"), server="tone")
        self._reader = AnswerReader(SESSION, OTHER_SESSION.__eq__, voices)
        self._post: Callable[[Event], None] = lambda event: None

    def open(self, call: NewCall, post: Callable[[Event], None]) -> AppLine:
        self._post = post
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, told: self.broken.append(repr(told)))
        if not self._plan.answers_each:
            self._push()
        return self

    def tell(
        self, event_id: str, kind: str, content: Mapping[str, object], *, answerable: bool
    ) -> None:
        if answerable and self._plan.answers_each:
            self._send(event_id)

    def close(self) -> None:
        """Some are still on their way, as they are from a network."""

    def _push(self) -> None:
        if self.count < PER_CALL:
            self._send(None)
            later_s = self._draw.uniform(0.1, 1.5)
            asyncio.get_running_loop().call_later(later_s, self._push)

    def _send(self, event_id: str | None) -> None:
        """Read at once, so that what breaks in reading breaks the call."""
        answer = self._next() if self.count < PER_CALL else Answer()
        after_s = self._draw.uniform(0, 1.0)
        loop = asyncio.get_running_loop()
        if answer.problems:
            problems = tuple(shown(answer.problems, PROBLEMS_MAX))
            loop.call_later(after_s, self._post, AppWarned(event_id, problems))
        loop.call_later(after_s, self._post, AppAnswered(event_id, answer.actions))

    def _next(self) -> Answer:
        self.count += 1
        document = mutant(self.count, self._draw)
        answer = self._reader.read(document)
        judge_reading(document, answer)
        return answer


def judge_reading(document: bytes, answer: Answer) -> None:
    """Raise ``Violated`` where sound that was asked for is neither there nor stands for its end."""
    wanted = sum(map(_is_audio, _items(document)))
    found = sum(isinstance(action, FlowAudio) for action in answer.actions)
    if wanted != found:
        raise Violated(f"{found} of {wanted} sounds: {document[:300]!r} {answer.problems}")
    lines = shown(answer.problems, PROBLEMS_MAX)
    if len(lines) > PROBLEMS_MAX or any(len(line) > 200 for line in lines):
        raise Violated(f"problems without measure: {lines}")


def _items(document: bytes) -> Sequence[object]:
    try:
        value = json.loads(document, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return ()
    return value if isinstance(value, list) else (value,)


def _refuse(name: str) -> object:
    raise ValueError(name)


def _is_audio(item: object) -> bool:
    if not isinstance(item, dict) or item.get("type") != "audio":
        return False
    return item.get("session_id") != OTHER_SESSION
