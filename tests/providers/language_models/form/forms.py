"""Forms that the model has not been made for, and the one of the public documentation."""

from __future__ import annotations

from cordboard.call.actions import SpeakBefore
from tests.providers.language_models.form.dialogue import END, external

MEETING = {
    "type": "object",
    "properties": {
        "length": {"type": "string", "enum": ["30m", "1hr"]},
        "time": {"type": "string", "pattern": r"^\d{2}:\d0[ap]m$"},
    },
}
MEETING_LOST = {
    "type": "object",
    "properties": {
        "length": {"type": "string", "enum": ["30m", "1hr"]},
        "time": {"type": "string", "pattern": "^d{2}:d0[ap]m$"},
    },
}
TABLE = {
    "type": "object",
    "properties": {
        "party_size": {
            "type": "integer",
            "minimum": 1,
            "maximum": 12,
            "description": "How many people will come?",
        },
        "date": {
            "type": "string",
            "format": "date",
            "description": "The day of the reservation",
        },
        "time": {
            "type": "string",
            "pattern": "^([01]\\d|2[0-3]):[0-5]\\d$",
            "description": "The time of the reservation, 24 hours",
        },
        "seating": {"type": "string", "enum": ["indoor", "outdoor", "bar"]},
        "name": {"type": "string", "description": "The name for the reservation"},
    },
    "required": ["party_size", "date", "time", "name"],
}
DELIVERY = {
    "type": "object",
    "properties": {
        "orderNumber": {"type": "string", "pattern": "^\\d{6}$"},
        "day": {
            "type": "string",
            "enum": ["monday", "tuesday", "wednesday", "thursday", "friday"],
        },
        "window": {
            "type": "string",
            "enum": ["8-10", "10-12", "14-16"],
            "description": "The delivery window",
        },
        "leave_with_neighbour": {
            "type": "boolean",
            "description": "Whether we may leave it with a neighbour",
        },
        "email": {"type": "string", "format": "email"},
    },
}
SURVEY = {
    "type": "object",
    "properties": {
        "satisfied": {"type": "boolean", "description": "Were you satisfied with the service?"},
        "would_recommend": {
            "type": "boolean",
            "title": "Would recommend us",
            "description": "Would you recommend us?",
        },
        "score": {
            "type": "integer",
            "minimum": 0,
            "maximum": 10,
            "description": "From zero to ten, how likely would you return?",
        },
        "comment": {"type": "string"},
    },
    "required": ["satisfied", "would_recommend", "score"],
}

TABLE_ACTION = external("book_table", "Books a table at the restaurant", TABLE, SpeakBefore.ALWAYS)
DELIVERY_ACTION = external("change_delivery", "Changes when a parcel is delivered", DELIVERY)
SURVEY_ACTION = external("survey", "Records a customer's answers", SURVEY)
MEETING_ACTION = external("book_meeting", "Books a meeting", MEETING)
MEETING_LOST_ACTION = external("book_meeting", "Books a meeting", MEETING_LOST)

ALONE = {
    name: (action, END)
    for name, action in {
        "table": TABLE_ACTION,
        "delivery": DELIVERY_ACTION,
        "survey": SURVEY_ACTION,
        "meeting": MEETING_ACTION,
        "meeting_lost": MEETING_LOST_ACTION,
    }.items()
}
