"""What is typed: words of the caller, and commands that begin with a slash."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

HELP: Final = """\
A line is what the caller says. Commands:
  /dtmf KEYS     press keys: 0-9 * #
  /timeout       stay silent for as long as the app allows
  /answer        whoever the caller is transferred to picks up
  /busy          ... is busy
  /hangup        hang up (so does the end of the input)
In a script also:
  ? WORDS        the app has said these words since the caller's last line; else exit code 1
  /wait SECONDS  give the app time to act by itself
  # ...          a remark"""

_KEYS = re.compile(r"[0-9*#]{1,32}")
_WAIT_MAX_S = 60.0


class BadLine(ValueError):
    """A line that cannot be followed; the text says why."""


@dataclass(frozen=True, slots=True)
class Say:
    """Say something."""

    text: str


@dataclass(frozen=True, slots=True)
class Press:
    """Press keys."""

    digits: str


@dataclass(frozen=True, slots=True)
class StaySilent:
    """Be silent until the app is told of it."""


@dataclass(frozen=True, slots=True)
class TargetAnswers:
    """The target of a transfer answers, or is busy."""

    answers: bool


@dataclass(frozen=True, slots=True)
class HangUp:
    """Hang up."""


@dataclass(frozen=True, slots=True)
class Check:
    """The app has said these words."""

    words: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Let so many seconds pass on the clock."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Help:
    """Show what can be typed."""


Step = Say | Press | StaySilent | TargetAnswers | HangUp | Check | Wait | Help

_BARE: Final[dict[str, Step]] = {
    "/timeout": StaySilent(),
    "/answer": TargetAnswers(True),
    "/busy": TargetAnswers(False),
    "/hangup": HangUp(),
    "/help": Help(),
}


def parse_line(typed: str) -> Step | None:
    """Return what a line means, None for an empty one or a remark. Raises ``BadLine``."""
    text = " ".join(typed.split())
    if not text or text.startswith("#"):
        return None
    command, _, rest = text.partition(" ")
    if command == "?":
        if not rest:
            raise BadLine("? WORDS: which words?")
        return Check(rest)
    if not text.startswith("/"):
        return Say(text)
    if command == "/dtmf":
        keys = rest.replace(" ", "")
        if not _KEYS.fullmatch(keys):
            raise BadLine("/dtmf KEYS: keys are 0-9 * #")
        return Press(keys)
    if command == "/wait":
        if not re.fullmatch(r"\d{1,3}(\.\d{1,3})?", rest) or float(rest) > _WAIT_MAX_S:
            raise BadLine(f"/wait SECONDS: up to {_WAIT_MAX_S:g}")
        return Wait(float(rest))
    step = _BARE.get(text)
    if step is None:
        raise BadLine(f"{command} is no command; /help tells them")
    return step


def parse_script(text: str) -> list[Step]:
    """Return the steps of a script in their order. Raises ``BadLine`` with the line's number."""
    steps = []
    for number, typed in enumerate(text.splitlines(), 1):
        try:
            step = parse_line(typed)
        except BadLine as problem:
            raise BadLine(f"line {number}: {problem}") from None
        if step is not None:
            steps.append(step)
    return steps
