"""Three forms and what callers say to them: about 50 different sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cordboard.call.actions import ActionKind, ActionPlan

END = ActionPlan(
    action_id="end", kind=ActionKind.END_CONVERSATION, function_name="action_end_conversation"
)


@dataclass(slots=True)
class Caller:
    """Answers questions by a word in them; a question that comes again gets the next wording."""

    answers: Mapping[str, Sequence[str]]
    read_back: Mapping[str, str]
    asked: dict[str, int] = field(default_factory=dict)
    last: str = "right"

    def answer(self, question: str) -> str:
        """Return what to say to a question; what was read back wrongly is corrected."""
        if "Is that right" in question:
            for said, key in self.read_back.items():
                if said not in question:
                    return self._next("no, {}", key)
            return self._next("{}", "right")
        for key in self.answers:
            if key in question:
                self.last = key
                return self._next("{}", key)
        return self._next("{}", self.last)

    def _next(self, frame: str, key: str) -> str:
        at = self.asked.get(key, 0)
        self.asked[key] = at + 1
        ways = self.answers[key]
        return frame.format(ways[at % len(ways)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form, a caller's wishes, and the payload that they should lead to."""

    name: str
    action: ActionPlan
    opening: str
    answers: Mapping[str, Sequence[str]]
    read_back: Mapping[str, str]
    wanted: Mapping[str, object]
    others: tuple[Mapping[str, object], ...] = ()

    @property
    def actions(self) -> tuple[ActionPlan, ...]:
        """The actions of the agent."""
        return (self.action, END)

    def caller(self) -> Caller:
        """Return a fresh caller."""
        return Caller(self.answers, self.read_back)

    def variants(self) -> Iterator[Form]:
        """Yield the form as it stands and with other wishes."""
        yield self
        for other in self.others:
            changes = dict(other)
            changes["answers"] = {**self.answers, **_mapping(changes.get("answers"))}
            yield replace(self, others=(), **changes)  # type: ignore[arg-type]


def _mapping(value: object) -> Mapping[str, Sequence[str]]:
    return value if isinstance(value, Mapping) else {}


def _action(name: str, description: str, schema: Mapping[str, object]) -> ActionPlan:
    return ActionPlan(
        action_id=name,
        kind=ActionKind.EXTERNAL,
        function_name=name,
        description=description,
        parameters=schema,
    )


YES = ("yes", "that's right", "yes please", "correct")

TABLE = Form(
    name="table booking",
    action=_action(
        "book_table",
        "Books a table at the restaurant",
        {
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
                    "description": "The time of the reservation",
                },
                "seating": {"type": "string", "enum": ["indoor", "outdoor", "at the bar"]},
            },
        },
    ),
    opening="i'd like to book a table",
    answers={
        "people": ("four people", "there are four", "four"),
        "day of": ("tomorrow", "on saturday", "tomorrow please"),
        "time of": (
            "half past seven in the evening",
            "seven thirty p m",
            "at seven thirty in the evening",
        ),
        "seating": ("outdoor please", "outdoor", "i'd like outdoor"),
        "right": YES,
    },
    read_back={
        "size 4": "people",
        "November 21": "day of",
        "7:30 pm": "time of",
        "outdoor": "seating",
    },
    wanted={"party_size": 4, "date": "2026-11-21", "time": "19:30", "seating": "outdoor"},
    others=(
        {
            "answers": {
                "people": ("twelve please", "twelve", "we are twelve"),
                "day of": ("next friday", "on friday", "friday please"),
                "time of": ("noon", "at noon please", "twelve o'clock"),
                "seating": ("indoor", "indoor please", "indoor thanks"),
            },
            "read_back": {
                "size 12": "people",
                "November 27": "day of",
                "12 pm": "time of",
                "indoor": "seating",
            },
            "wanted": {
                "party_size": 12,
                "date": "2026-11-27",
                "time": "12:00",
                "seating": "indoor",
            },
        },
    ),
)

DELIVERY = Form(
    name="delivery window",
    action=_action(
        "change_delivery",
        "Changes when a parcel is delivered",
        {
            "type": "object",
            "properties": {
                "day": {
                    "type": "string",
                    "enum": ["monday", "tuesday", "wednesday", "thursday", "friday"],
                },
                "window": {
                    "type": "string",
                    "enum": ["morning", "afternoon", "evening"],
                    "description": "The delivery window",
                },
                "leave_with_neighbour": {
                    "type": "boolean",
                    "description": "Whether we may leave it with a neighbour",
                },
                "code": {"type": "string", "pattern": "^\\d{4}$", "description": "The door code"},
            },
        },
    ),
    opening="change delivery please",
    answers={
        "day would": ("wednesday", "on wednesday please", "wednesday is fine"),
        "window": ("in the afternoon", "afternoon please", "the afternoon"),
        "neighbour": ("yes of course", "yes", "sure"),
        "door code": ("four one five two", "it's four one five two", "four one five two please"),
        "right": YES,
    },
    read_back={
        "wednesday": "day would",
        "afternoon": "window",
        "neighbour yes": "neighbour",
        "4 1 5 2": "door code",
    },
    wanted={
        "day": "wednesday",
        "window": "afternoon",
        "leave_with_neighbour": True,
        "code": "4152",
    },
    others=(
        {
            "opening": "yes please",
            "answers": {
                "day would": ("monday please", "let's say monday", "monday"),
                "window": ("the morning", "morning", "in the morning please"),
                "neighbour": ("no thank you", "no", "not really"),
                "door code": ("nine three eight six", "nine three eight six please"),
            },
            "read_back": {
                "monday": "day would",
                "morning": "window",
                "neighbour no": "neighbour",
                "9 3 8 6": "door code",
            },
            "wanted": {
                "day": "monday",
                "window": "morning",
                "leave_with_neighbour": False,
                "code": "9386",
            },
        },
    ),
)

SURVEY = Form(
    name="survey",
    action=_action(
        "survey",
        "Records a customer's answers",
        {
            "type": "object",
            "properties": {
                "satisfied": {"type": "boolean", "description": "Were you satisfied?"},
                "recommend": {"type": "boolean", "description": "Would you recommend us?"},
                "score": {
                    "type": "integer",
                    "minimum": 0,
                    "maximum": 10,
                    "description": "From zero to ten, how likely is it that you come back?",
                },
            },
        },
    ),
    opening="sure",
    answers={
        "satisfied?": ("yes", "yes absolutely", "of course"),
        "recommend us?": ("not really", "no", "nope"),
        "zero to ten": ("eight", "i think eight", "maybe eight"),
        "right": YES,
    },
    read_back={
        "satisfied yes": "satisfied?",
        "recommend no": "recommend us?",
        "score 8": "zero to ten",
    },
    wanted={"satisfied": True, "recommend": False, "score": 8},
    others=(
        {
            "opening": "okay",
            "answers": {
                "satisfied?": ("no", "no thanks", "no not really"),
                "recommend us?": ("yeah sure", "yes", "absolutely"),
                "zero to ten": ("three", "it's three", "three please"),
            },
            "read_back": {
                "satisfied no": "satisfied?",
                "recommend yes": "recommend us?",
                "score 3": "zero to ten",
            },
            "wanted": {"satisfied": False, "recommend": True, "score": 3},
        },
    ),
)

FORMS = (TABLE, DELIVERY, SURVEY)
