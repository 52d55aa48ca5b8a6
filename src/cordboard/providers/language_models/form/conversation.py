"""Where the conversation stands: folded anew from all that was said, so that nothing is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from rapidfuzz import fuzz

from cordboard.call.actions import ActionKind, ActionPlan
from cordboard.call.commands import Message
from cordboard.providers.language_models.form.fields import Field, FieldKind, fields_of, plain_name
from cordboard.providers.language_models.form.harvest import Harvest, Value, harvest
from cordboard.providers.language_models.form.intents import polarity, says_goodbye, says_thanks
from cordboard.providers.language_models.form.readings import Utterance
from cordboard.providers.spoken import spoken_words

_STOP = frozenset(
    [
        "a",
        "an",
        "the",
        "to",
        "of",
        "and",
        "for",
        "at",
        "on",
        "in",
        "or",
        "my",
        "me",
        "you",
        "your",
        "is",
        "it",
        "i'd",
        "i",
        "like",
        "want",
        "would",
        "can",
        "could",
        "do",
        "please",
        "with",
        "this",
        "that",
        "when",
        "use",
        "call",
        "user",
        "caller",
        "action",
        "function",
        "get",
        "have",
        "need",
    ]
)
_SAME_WORD = 84
_AGAIN = frozenset(("another", "new", "second", "more"))


class Stage(StrEnum):
    """What the agent waits for."""

    OPEN = "open"
    ASKING = "asking"
    CONFIRMING = "confirming"
    CHANGING = "changing"
    CONFIRMED = "confirmed"
    DONE = "done"
    FAILED = "failed"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Form:
    """An external action as a form."""

    plan: ActionPlan
    fields: tuple[Field, ...]

    @property
    def label(self) -> str:
        """The action's name in words."""
        return plain_name(self.plan.function_name)

    @property
    def words(self) -> frozenset[str]:
        """The words by which a caller may ask for it."""
        text = f"{self.label} {self.plan.description}"
        return frozenset(spoken_words(text)) - _STOP


@dataclass(slots=True)
class State:
    """Where the conversation stands after the last message."""

    forms: tuple[Form, ...]
    form: Form | None = None
    stage: Stage = Stage.OPEN
    values: dict[tuple[str, ...], Value] = field(default_factory=dict)
    heard: Harvest = field(default_factory=Harvest)
    misses: int = 0
    thanked: bool = False

    @property
    def missing(self) -> Field | None:
        """The next field to ask for."""
        fields = self.form.fields if self.form is not None else ()
        wanted = (each for each in fields if each.required and each.path not in self.values)
        return next(wanted, None)


def forms_of(actions: Sequence[ActionPlan]) -> tuple[Form, ...]:
    """Return the actions that are forms, those with phrase triggers left out."""
    return tuple(
        Form(plan, fields_of(plan.parameters))
        for plan in actions
        if plan.kind is ActionKind.EXTERNAL and not plan.phrases
    )


def fold(messages: Sequence[Message], actions: Sequence[ActionPlan], now: datetime) -> State:
    """Go through the conversation and return where it stands."""
    state = State(forms_of(actions))
    ends = {plan.function_name for plan in actions if plan.kind is ActionKind.END_CONVERSATION}
    heard_agent = True
    for message in messages:
        if message.role == "caller":
            words = tuple(spoken_words(message.text))
            _caller(state, Utterance(message.text, words, now), heard_agent)
            heard_agent = False
        elif message.role == "agent":
            heard_agent = True
        elif message.role == "action":
            heard_agent = True
            _action(state, message, message.function_name in ends)
    return state


def _caller(state: State, said: Utterance, heard_agent: bool) -> None:
    state.heard = Harvest()
    state.thanked = says_thanks(said.words)
    if state.stage is Stage.LEFT:
        state.stage = Stage.DONE
    if says_goodbye(said.words):
        state.stage = Stage.LEFT
        return
    match state.stage:
        case Stage.OPEN:
            _opening(state, said)
        case Stage.ASKING:
            _answer(state, said)
        case Stage.CONFIRMING | Stage.CHANGING | Stage.CONFIRMED:
            _confirmation(state, said, heard_agent)
        case Stage.DONE:
            _after(state, said)
        case _:
            _after_failure(state, said)


def _opening(state: State, said: Utterance) -> None:
    form = _wanted(state.forms, said.words)
    if form is None:
        state.misses += 1
        return
    answer = polarity(said.words)
    state.form = form
    _take(state, said, ())
    if answer is False and not state.heard.values:
        state.form = None
        state.stage = Stage.DONE
        return
    _settle(state)
    state.misses = 0


def _answer(state: State, said: Utterance) -> None:
    missing = state.missing
    other = _wanted(state.forms, said.words) if len(state.forms) > 1 else None
    _take(state, said, (missing,) if missing is not None else ())
    if not state.heard.values and other is not None and other is not state.form:
        state.form, state.values = other, {}
        _take(state, said, ())
    state.misses = 0 if state.heard.values else state.misses + 1
    _settle(state)


def _confirmation(state: State, said: Utterance, heard_agent: bool) -> None:
    assert state.form is not None
    answer = polarity(said.words)
    before = dict(state.values)
    _take(state, said, () if answer is True else _correctable(state.form))
    changed = state.values != before
    if changed or state.heard.refused is not None:
        state.stage, state.misses = Stage.CONFIRMING, 0
    elif answer is True and heard_agent and state.stage is not Stage.CHANGING:
        state.stage, state.misses = Stage.CONFIRMED, 0
    elif answer is False:
        state.stage, state.misses = Stage.CHANGING, 0
    else:
        state.misses += 1
        if state.stage is Stage.CONFIRMED:
            state.stage = Stage.CONFIRMING


def _after(state: State, said: Utterance) -> None:
    """After an action: a correction of it, another one, or the end."""
    answer = polarity(said.words)
    form = _wanted(state.forms, said.words) or state.form
    again = bool(_AGAIN & set(said.words)) or form is not state.form
    previous, state.values = state.values, {}
    last_form, state.form = state.form, form
    if form is not None:
        _take(state, said, ())
    if state.heard.values or again or (answer is True and form is not None):
        if not again and answer is not True:
            state.values = {**previous, **state.values}
        _settle(state)
        return
    state.values, state.form = previous, last_form
    if answer is False:
        state.stage = Stage.LEFT
    elif len(state.forms) > 1 and form is not None and _named(form, said.words):
        state.form, state.values = form, {}
        _settle(state)
    else:
        state.misses += 1


def _after_failure(state: State, said: Utterance) -> None:
    assert state.form is not None
    answer = polarity(said.words)
    before = dict(state.values)
    _take(state, said, () if answer is True else _correctable(state.form))
    if state.values != before:
        state.stage = Stage.CONFIRMING
    elif answer is True:
        state.stage = Stage.CONFIRMED
    elif answer is False:
        state.stage = Stage.DONE
    else:
        state.misses += 1


def _action(state: State, message: Message, is_end: bool) -> None:
    content: Mapping[str, object] = message.content or {}
    succeeded = content.get("success") is True
    if is_end:
        state.stage = Stage.LEFT if succeeded else Stage.DONE
        return
    if message.function_name not in {form.plan.function_name for form in state.forms}:
        return
    state.misses = 0
    state.heard = Harvest()
    state.stage = Stage.DONE if succeeded else Stage.FAILED
    if state.form is None:  # asked for by something else, such as an earlier model
        state.stage = Stage.DONE


def _correctable(form: Form) -> tuple[Field, ...]:
    """Return the fields that a correction may mean without naming them."""
    named = (FieldKind.WORDS, FieldKind.SPELLED, FieldKind.YES_NO)
    return tuple(each for each in form.fields if each.kind not in named)


def _take(state: State, said: Utterance, asked: Sequence[Field]) -> None:
    assert state.form is not None
    state.heard = harvest(state.form.fields, said, asked)
    state.values.update(state.heard.values)


def _settle(state: State) -> None:
    state.stage = Stage.ASKING if state.missing is not None else Stage.CONFIRMING


def _wanted(forms: Sequence[Form], words: Sequence[str]) -> Form | None:
    """Return the form that the words ask for; the only one there is needs no asking."""
    if len(forms) == 1:
        return forms[0]
    scores = sorted(((_likeness(form, words), at) for at, form in enumerate(forms)), reverse=True)
    if not scores or scores[0][0] == 0:
        return None
    if len(scores) > 1 and scores[0][0] == scores[1][0]:
        return None
    return forms[scores[0][1]]


def _named(form: Form, words: Sequence[str]) -> bool:
    return _likeness(form, words) > 0


def _likeness(form: Form, words: Sequence[str]) -> int:
    """Count the caller's words that are words of the form; those of its name count double."""
    name = set(form.label.split()) - _STOP
    likeness = 0
    for word in set(words) - _STOP:
        if len(word) > 2 and any(fuzz.ratio(word, other) >= _SAME_WORD for other in form.words):
            likeness += 2 if any(fuzz.ratio(word, other) >= _SAME_WORD for other in name) else 1
    return likeness
