"""The frozen snapshot of an agent that one call runs on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import cast

from cordboard.call.actions import ActionKind, ActionPlan, SpeakBefore
from cordboard.call.context_answer import ContextAnswer
from cordboard.call.flow.plan import FlowPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class VoicePlan:
    """Which synthesizer speaks, and how: ``settings`` is the voice as the API stores it."""

    provider: str = "auto"
    voice: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageModelPlan:
    """Which language model answers, and how."""

    provider: str = "auto"
    model: str = ""
    temperature: float = 0.0
    settings: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriberPlan:
    """Which transcriber listens; ``keywords`` maps a word to its boost."""

    provider: str = "auto"
    model: str = ""
    keywords: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnPlan:
    """The dials of the turn policy, by the API's names and values."""

    interrupt_sensitivity: str = "low"
    endpointing_sensitivity: str = "auto"
    conversation_speed: float = 1.0
    initial_message_delay_ms: int = 0
    ask_if_human_present_on_idle: bool = False
    idle_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPlan:
    """Everything a call needs to know about its agent, fixed when the call begins.

    ``prompt`` and ``initial_message`` have their variables filled in, by ``context_answer`` where
    an endpoint was asked; ``missing_keys`` are those that the prompt's template requires and that
    have no value.

    ``longest_call_ms`` ends the call whatever happens, and after ``actions_max_count`` actions no
    more are begun. ``bridge_phrases`` allows a stored phrase after 3 s of an unanswered turn.
    ``on_no_human`` is what to do when a machine picks up: ``"continue"``, ``"hangup"``, or empty
    where nobody wants to know; ``carrier_detects_human`` leaves it to the carrier to tell. With
    ``detects_do_not_call`` the end of the call tells whether the callee asked not to be called
    again.
    """

    organisation_id: str
    agent_id: str | None = None
    agent_name: str | None = None
    language: str = "en"
    prompt: str = ""
    initial_message: str | None = None
    actions: tuple[ActionPlan, ...] = ()
    voice: VoicePlan = VoicePlan()
    language_model: LanguageModelPlan = LanguageModelPlan()
    transcriber: TranscriberPlan = TranscriberPlan()
    turn: TurnPlan = TurnPlan()
    record: bool = True
    content_free: bool = False
    bridge_phrases: bool = True
    longest_call_ms: int = 3_600_000
    actions_max_count: int = 10
    on_no_human: str = ""
    carrier_detects_human: bool = False
    detects_do_not_call: bool = False
    flow: FlowPlan | None = None
    context_answer: ContextAnswer | None = None
    missing_keys: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Return the plan as plain JSON values; ``from_json`` reads it back equal."""
        flow = None if self.flow is None else self.flow.to_json()
        answer = self.context_answer
        return {
            **cast(dict[str, object], _plain(asdict(self))),
            "flow": flow,
            "context_answer": None if answer is None else answer.to_json(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> CallPlan:
        """Read what ``to_json`` wrote; raises ``KeyError``, ``TypeError`` or ``ValueError`` on
        anything else.
        """
        rest = dict(value)
        actions = cast(list[dict[str, object]], rest.pop("actions"))
        voice = cast(dict[str, object], rest.pop("voice"))
        model = cast(dict[str, object], rest.pop("language_model"))
        transcriber = cast(dict[str, object], rest.pop("transcriber"))
        turn = cast(dict[str, object], rest.pop("turn"))
        flow = cast(dict[str, object] | None, rest.pop("flow", None))
        answer = cast(dict[str, object] | None, rest.pop("context_answer", None))
        missing = cast(list[str], rest.pop("missing_keys", []))
        return cls(
            actions=tuple(_action(action) for action in actions),
            voice=VoicePlan(**voice),  # type: ignore[arg-type]
            language_model=LanguageModelPlan(**model),  # type: ignore[arg-type]
            transcriber=TranscriberPlan(**transcriber),  # type: ignore[arg-type]
            turn=TurnPlan(**turn),  # type: ignore[arg-type]
            flow=None if flow is None else FlowPlan.from_json(flow),
            context_answer=None if answer is None else ContextAnswer.from_json(answer),
            missing_keys=tuple(missing),
            **rest,  # type: ignore[arg-type]
        )


def _action(value: Mapping[str, object]) -> ActionPlan:
    rest = dict(value)
    kind = ActionKind(str(rest.pop("kind")))
    speak_before = SpeakBefore(str(rest.pop("speak_before")))
    phrases = tuple(cast(list[str], rest.pop("phrases")))
    return ActionPlan(kind=kind, speak_before=speak_before, phrases=phrases, **rest)  # type: ignore[arg-type]


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (ActionKind, SpeakBefore)):
        return value.value
    return value
