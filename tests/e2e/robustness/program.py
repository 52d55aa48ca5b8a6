"""A ``cordboard serve`` whose agent does what the caller tells it to, and that can be counted.

``python -m tests.e2e.robustness.program serve --option=value ...``. Tone code both ways; the
language model obeys the first word it hears (``OBEDIENCE``). SIGUSR1 makes it write one line
``{"counts": {...}}`` with what the process holds.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import sys
import threading
from contextlib import AsyncExitStack

import uvloop

from cordboard.call.actions import ActionKind, ActionPlan
from cordboard.engine.parts import Choice
from cordboard.observe import configure_logging
from cordboard.ports import ModelAction, ReplyRequest
from cordboard.providers.phrases.store import PackagedPhrases
from cordboard.providers.scripted import Reply, ScriptedModel, Trouble, acts, says
from cordboard.providers.synthesizers.tone.synthesizer import ToneSynthesizer
from cordboard.providers.transcribers.tone.transcriber import ToneTranscriber
from cordboard.settings import Settings
from cordboard.telephony.sip.endpoint import SipEndpoint
from cordboard.telephony.sip.ports import PortRange
from cordboard.wiring.providers import Providers
from cordboard.wiring.server import serve

TALK = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
LONG_MS = 60_000


def obey(request: ReplyRequest) -> Reply:
    """Return the reply that the caller's last words order."""
    said = next((m.text for m in reversed(request.messages) if m.role == "caller"), "")
    order = said.split()[0] if said else ""
    if order == "think":
        return says("done", Trouble(first_ms=LONG_MS))
    if order == "talk":
        return says(TALK)
    if order == "act" and request.messages[-1].role == "caller":
        return acts(_action(request.actions, ActionKind.EXTERNAL), {"word": "now"})
    if order == "transfer":
        if request.messages[-1].role == "caller":
            return acts(_action(request.actions, ActionKind.TRANSFER_CALL), {})
        return says("nobody is there")
    if order == "attack":
        return Reply(pieces=_malice(request.actions))
    if order == "leave":
        return acts(_action(request.actions, ActionKind.END_CONVERSATION), {})
    return says(f"you said {said}")


def _malice(actions: tuple[ActionPlan, ...]) -> tuple[ModelAction, ...]:
    """Return what a model that has been talked over might ask for; nothing of it may happen."""
    known = _action(actions, ActionKind.EXTERNAL)
    arguments = (
        '{"word": 5}',
        '{"word": ["x"]}',
        "[]",
        "{",
        "null",
        '"x"',
        '{"word": ' + "[" * 900,
    )
    foreign = ("transfer_call", "__import__", "note; hangup", "", "x" * 5_000)
    return (
        *(ModelAction(known, text) for text in arguments),
        *(ModelAction(name, '{"phone_number": "+19005550100"}') for name in foreign),
    )


def _action(actions: tuple[ActionPlan, ...], kind: ActionKind) -> str:
    return next(action.function_name for action in actions if action.kind is kind)


async def build(settings: Settings, stack: AsyncExitStack) -> Providers:
    """Return tone code, the obedient model, and no neural voice activity."""
    return Providers(
        Choice({"tone": ToneTranscriber()}, "tone"),
        Choice({"obedient": _Forgetful()}, "obedient"),
        Choice({"tone": ToneSynthesizer()}, "tone"),
        None,
        PackagedPhrases(),
    )


class _Forgetful(ScriptedModel):
    """A scripted model that keeps nothing, so that memory can be compared."""

    def __init__(self) -> None:
        super().__init__(obey)

    def _reply(self, request: ReplyRequest, turn: int) -> Reply:
        self.requests.clear()
        self._tries.clear()
        return obey(request)


_KEPT: list[object] = []


def counts() -> dict[str, int]:
    """Count what calls may leave behind."""
    gc.collect()
    held: dict[str, int] = {
        "tasks": len(asyncio.all_tasks()),
        "threads": threading.active_count(),
        "descriptors": len(os.listdir("/proc/self/fd")),  # noqa: PTH208
    }
    for thing in _kept():
        if isinstance(thing, SipEndpoint):
            held |= {f"sip_{name}": count for name, count in thing.agent.counts().items()}
        elif isinstance(thing, PortRange):
            held["ports"] = thing.in_use_count
    return held


def _kept() -> list[object]:
    """Return what holds calls, looked for once: it is of the start, which lies aside, and whatever
    is laid aside with it a second time could never be collected.
    """
    if not _KEPT:
        gc.unfreeze()
        _KEPT.extend(o for o in gc.get_objects() if isinstance(o, SipEndpoint | PortRange))
        gc.freeze()
    return _KEPT


async def _run(settings: Settings) -> None:
    def show() -> None:
        sys.stderr.write(json.dumps({"counts": counts()}) + "\n")
        sys.stderr.flush()

    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, show)
    await serve(settings, build)


def main() -> None:
    """Run with the options of ``cordboard serve``."""
    options = (word.removeprefix("--").partition("=") for word in sys.argv[2:])
    overrides: dict[str, object] = {name.replace("-", "_"): value for name, _, value in options}
    settings = Settings.from_environment({}, overrides)
    configure_logging(sys.stderr, settings.log_level, [])
    uvloop.run(_run(settings))


if __name__ == "__main__":
    main()
