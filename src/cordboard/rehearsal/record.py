"""What is on a real call's record, in the lines of a rehearsal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from cordboard.rehearsal.lines import TOOK, Mark, line
from cordboard.rehearsal.script import Check, Press, Say, StaySilent, Step

TROUBLE = ("flow_failure", "flow_warning", "flow_problem", "flow_lost", "flow_given_up")
"""Facts that tell of something that was not as it should be."""

_SHOWN = ("flow_back", "barge_in", "resumed", "waiting_sound", "transfer_failed", "warning")
_LEFT_OUT = ("event_id", "type", "speech_started_at")


def unheard(steps: Sequence[Step], passages: Sequence[Sequence[str]]) -> list[str]:
    """Return the words of the checks that fail: that were not heard after the caller's last act
    before them.
    """
    acts, missing = 0, []
    for step in steps:
        match step:
            case Check(words=words):
                said = " ".join(passages[acts]) if acts < len(passages) else ""
                if words.casefold() not in said.casefold():
                    missing.append(words)
            case Press(digits=digits):
                acts += len(digits)
            case Say() | StaySilent():
                acts += 1
    return missing


class RecordLines:
    """Turns facts, given in order, into lines; counts trouble."""

    def __init__(self) -> None:
        self.trouble_count = 0
        self.ended = False
        self.passages: list[list[str]] = [[]]
        """What was heard of the app, parted by what the caller did."""
        self._texts: dict[str, str] = {}
        self._caller_stopped_ms: int | None = None

    def lines(self, kind: str, at_ms: int, content: Mapping[str, object]) -> Iterator[str]:
        """Yield what a fact shows: most show nothing."""
        self._remember(kind, content)
        rest = {name: value for name, value in content.items() if name not in _LEFT_OUT}
        name = str(content.get("type", kind))
        match kind:
            case "flow_event":
                yield line(at_ms, Mark.EVENT, name, rest)
            case "flow_action":
                yield line(at_ms, Mark.ACTION, name, rest)
            case "utterance" | "bridge":
                shown = content.get("text") or content.get("phrase") or "[sound]"
                self._texts[str(content["utterance_id"])] = str(shown)
            case "playout_started":
                yield line(at_ms, Mark.HERE, "you hear", self._heard(at_ms, content))
            case "turn_ended":
                stopped_ms = content.get("caller_stopped_at_ms")
                self._caller_stopped_ms = stopped_ms if isinstance(stopped_ms, int) else None
                yield line(at_ms, Mark.CALLER, "says", {"text": content.get("text")})
            case "app_answered" if content.get("acts"):
                yield line(at_ms, Mark.HERE, TOOK, {"ms": content.get("after_ms")})
            case "digit":
                yield line(at_ms, Mark.CALLER, "presses", rest)
            case "ended":
                self.ended = True
                yield line(at_ms, Mark.HERE, "over", {"reason": content.get("reason")})
            case _ if kind in TROUBLE:
                self.trouble_count += 1
                yield line(at_ms, Mark.TROUBLE, kind, rest)
            case _ if kind in _SHOWN:
                yield line(at_ms, Mark.HERE, kind, rest)

    def _remember(self, kind: str, content: Mapping[str, object]) -> None:
        if kind in ("turn_ended", "digit") or (
            kind == "flow_event" and content.get("type") == "user_input_timeout"
        ):
            self.passages.append([])
        elif kind == "heard":
            self.passages[-1].append(str(content.get("text", "")))

    def _heard(self, at_ms: int, content: Mapping[str, object]) -> dict[str, object]:
        """The words, and after a turn of the caller how long that took."""
        stopped_ms, self._caller_stopped_ms = self._caller_stopped_ms, None
        return {
            "text": self._texts.get(str(content.get("utterance_id")), ""),
            "ms_after_caller": None if stopped_ms is None else at_ms - stopped_ms,
        }
