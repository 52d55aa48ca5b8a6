"""What became of the agent's utterances, written down: only what was heard counts as said."""

from __future__ import annotations

from cordboard.call.desk import Desk
from cordboard.call.events import (
    PlayoutFailed,
    PlayoutFinished,
    PlayoutPaused,
    PlayoutStarted,
    PlayoutStopped,
)
from cordboard.call.playback import Utterance

PlayoutEvent = PlayoutStarted | PlayoutPaused | PlayoutFinished | PlayoutStopped | PlayoutFailed


def keep_playout(event: PlayoutEvent, desk: Desk) -> Utterance | None:
    """Write an event of an utterance down; None for one that is not ours any more, or that only
    paused.
    """
    if isinstance(event, PlayoutPaused):
        desk.note("paused", {"utterance_id": event.utterance_id})
        return None
    if isinstance(event, PlayoutStarted):
        return _began(event, desk)
    utterance = desk.playback.ended(event.utterance_id)
    if utterance is None:
        return None
    whole = isinstance(event, PlayoutFinished)
    heard = desk.transcript.agent_ended(
        utterance.utterance_id,
        None if isinstance(event, PlayoutFinished) else event.heard_characters,
    )
    content: dict[str, object] = {"utterance_id": utterance.utterance_id, "whole": whole}
    if isinstance(event, PlayoutFinished):
        content["at_ms"] = event.at_ms
    elif isinstance(event, PlayoutFailed):
        content["failure"] = event.failure
    desk.note("heard", content, text=heard)
    return utterance


def _began(event: PlayoutStarted, desk: Desk) -> Utterance | None:
    utterance = desk.playback.started(event.utterance_id)
    if utterance is not None:
        desk.transcript.agent_began(utterance.utterance_id, utterance.text or event.text)
        desk.note("playout_started", {"utterance_id": utterance.utterance_id, "at_ms": event.at_ms})
    return utterance
