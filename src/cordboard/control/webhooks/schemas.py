"""What a webhook holds (reference section 5)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator

from cordboard.control.fields import Fields

EventType = Annotated[
    Literal[
        "event_message",
        "event_action",
        "event_phone_call_connected",
        "event_phone_call_ended",
        "event_phone_call_did_not_connect",
        "event_transcript",
        "event_recording",
        "event_human_detection",
    ],
    # The event's name until October 2023.
    BeforeValidator(
        lambda value: "event_human_detection" if value == "event_machine_detection" else value
    ),
]


class WebhookFields(Fields):
    """A webhook's own fields."""

    subscriptions: list[EventType]
    url: str
    method: Literal["GET", "POST"] = "POST"
