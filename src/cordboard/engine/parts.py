"""What the engine is built from. ``wiring`` fills these in; nothing here decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from cordboard.call.plan import CallPlan
from cordboard.engine.brain import Brain
from cordboard.engine.breaker import Breakers
from cordboard.engine.clock import MediaClock
from cordboard.engine.guard import Report
from cordboard.ports import (
    ActionRunner,
    CallStore,
    Clock,
    FlowApps,
    LanguageModel,
    Leg,
    NewCall,
    PhraseStore,
    RecordingSink,
    Synthesizer,
    TextSender,
    Transcriber,
    TransferDesk,
    VoiceActivity,
)

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Choice(Generic[P]):
    """The providers of one kind by the names that plans use.

    ``auto`` is what a plan's ``"auto"`` means. ``fallbacks`` are the names to go on with when one
    has failed.
    """

    by_name: Mapping[str, P]
    auto: str = ""
    fallbacks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def resolve(self, name: str) -> str:
        """Return the provider's name for a plan's one."""
        return self.auto if name == "auto" else name

    def named(self, name: str) -> tuple[P, ...]:
        """Return the provider of this very name, or nobody."""
        found = self.by_name.get(self.resolve(name))
        return () if found is None else (found,)

    def candidates(self, name: str) -> tuple[P, ...]:
        """Return who is to be asked, in order; nobody for a name that is not configured and has no
        fallback.
        """
        resolved = self.resolve(name)
        names = dict.fromkeys((resolved, *self.fallbacks.get(resolved, ())))
        return tuple(self.by_name[known] for known in names if known in self.by_name)


def _never(plan: CallPlan) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineParts:
    """What all calls of the process share.

    ``voice_activity`` None means that energy alone decides what is speech; so does ``energy_alone``
    for one plan (where the transcriber's signal is no human voice). ``report`` is told of mistakes
    of our own.
    """

    clock: Clock
    media_clock: MediaClock
    store: CallStore
    transcribers: Choice[Transcriber]
    synthesizers: Choice[Synthesizer]
    language_models: Choice[LanguageModel]
    action_runner: ActionRunner
    phrases: PhraseStore
    report: Report
    recordings: RecordingSink | None = None
    voice_activity: VoiceActivity | None = None
    energy_alone: Callable[[CallPlan], bool] = _never
    transfers: TransferDesk | None = None
    apps: FlowApps | None = None
    texts: TextSender | None = None
    breakers: Breakers = field(default_factory=Breakers)


@dataclass(frozen=True, slots=True)
class CallParts:
    """What one call is run from. The leg has been offered and has no sink yet."""

    engine: EngineParts
    call: NewCall
    leg: Leg
    brain: Brain
