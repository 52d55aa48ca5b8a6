"""What a way to users' apps, and a way to send text messages, must offer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from cordboard.call.events import Event
from cordboard.call.plan import VoicePlan
from cordboard.ports.records import NewCall


class AppLine(Protocol):
    """One call's way to its app."""

    def tell(
        self, event_id: str, kind: str, content: Mapping[str, object], *, answerable: bool
    ) -> None:
        """Send an event, in order. ``AppAnswered`` or ``AppFailed`` tells what came of one that is
        answerable.
        """
        ...

    def close(self) -> None:
        """Take back nothing: what has been told is still delivered, then all is freed."""
        ...


class FlowApps(Protocol):
    """Where flows' apps are reached."""

    def open(self, call: NewCall, post: Callable[[Event], None]) -> AppLine:
        """Begin with a call whose plan has a flow, while it rings; ``post`` takes what the app
        wants.
        """
        ...


class TextSender(Protocol):
    """A way to send text messages."""

    async def send(self, call: NewCall, number: str, text: str) -> str | None:
        """Hand a message on; return a class of failure, or None where it was taken. Raises only
        cancellation.
        """
        ...


@dataclass(frozen=True, slots=True)
class ChosenVoice:
    """What an app's wish for a voice comes to.

    ``voice`` None is the call's own, ``language`` None the one spoken so far. ``warning`` says in
    words of ours what of the wish could not be met.
    """

    voice: VoicePlan | None = None
    language: str | None = None
    warning: str | None = None


class VoiceTable(Protocol):
    """Which of the configured voices an app gets that names one."""

    def choose(self, provider: object, language: object, voice: object) -> ChosenVoice:
        """Return what speaks for the three fields of ``tts``, each as the app wrote it: text,
        an object, nothing, or nonsense. Never raises.
        """
        ...
