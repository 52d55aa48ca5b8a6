"""The language model port over the form interpretation."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

from cordboard.call.actions import ActionKind, ActionPlan, SpeakBefore
from cordboard.call.expectation import Expectation
from cordboard.call.plan import LanguageModelPlan
from cordboard.ports import ModelAction, ModelExpects, ModelText, ReplyRequest
from cordboard.providers.language_models.form import wording
from cordboard.providers.language_models.form.conversation import (
    Form,
    Stage,
    State,
    fold,
    forms_of,
)
from cordboard.providers.language_models.form.fields import constants_of
from cordboard.providers.language_models.form.numbers import digit_rows
from cordboard.providers.spoken import spoken_words

Piece = ModelText | ModelAction | ModelExpects

_MORE = "Is there anything else I can help you with?"
_MOST_TOLD = 3
_MOST_TOLD_CHARACTERS = 60
_PRESS = frozenset(("press", "dial", "key", "keys"))


class FormModel:
    """Fills the schemas of an agent's external actions; see the package's docstring.

    It needs no weights, network or configuration, and keeps nothing between replies.
    """

    async def reply(self, request: ReplyRequest) -> AsyncIterator[Piece]:
        """Stream the reply: what is expected next, then what is said, or an action. Never fails."""
        for piece in _reply(request):
            yield piece

    def expectation(self, actions: Sequence[ActionPlan]) -> Expectation | None:
        """Return what a caller may begin with: the actions' names and values of their fields."""
        forms = forms_of(actions)
        return wording.opening(forms) if forms else None


def plan_for_forms() -> LanguageModelPlan:
    """Return the plan that names this model."""
    return LanguageModelPlan(provider="form")


def _reply(request: ReplyRequest) -> Iterator[Piece]:
    last = request.messages[-1] if request.messages else None
    state = fold(request.messages, request.actions, request.now)
    if last is not None and last.role == "caller":
        digits = _digits_to_press(request, last.text)
        if digits is not None:
            yield digits
            return
    if last is not None and last.role == "action":
        yield from _after_action(state, last.content or {})
        return
    match state.stage:
        case Stage.LEFT:
            yield _end(request.actions)
        case Stage.CONFIRMED if state.form is not None:
            yield _call(state.form, state)
        case _:
            yield from _ask(state)


def _ask(state: State) -> Iterator[Piece]:
    form, missing = state.form, state.missing
    refused = wording.stands(state)
    sorry = "Sorry, I did not understand. " if state.misses and not refused else ""
    if state.stage is Stage.OPEN or form is None:
        yield from _ask_what(state, sorry)
    elif state.stage is Stage.DONE:
        yield ModelExpects(wording.more_answer(state.forms))
        yield ModelText(f"{'You are welcome. ' if state.thanked else ''}{_MORE}")
    elif state.stage is Stage.FAILED:
        yield ModelExpects(wording.answer_to_summary(form))
        yield ModelText(f"{sorry}Shall I try again?")
    elif state.stage is Stage.CHANGING:
        yield ModelExpects(wording.answer_to_summary(form))
        yield ModelText(f"{sorry}What should be different?")
    elif missing is not None:
        field = state.heard.refused_field if refused and state.heard.refused_field else missing
        yield ModelExpects(wording.answer_to(field))
        yield ModelText(refused or f"{sorry}{wording.question(missing)}")
    elif refused and state.heard.refused_field is not None:
        yield ModelExpects(wording.answer_to(state.heard.refused_field))
        yield ModelText(refused)
    else:
        yield ModelExpects(wording.answer_to_summary(form))
        yield ModelText(sorry + wording.summary(form, state.values))


def _ask_what(state: State, sorry: str) -> Iterator[Piece]:
    if not state.forms:
        yield ModelText("I am sorry, there is nothing I can do on this line.")
    elif state.stage is Stage.DONE:
        yield ModelExpects(wording.more_answer(state.forms))
        yield ModelText(_MORE)
    elif len(state.forms) == 1:
        yield ModelExpects(wording.opening(state.forms))
        yield ModelText(f"{sorry}How can I help you with {state.forms[0].label}?")
    else:
        yield ModelExpects(wording.which_answer(state.forms))
        yield ModelText(sorry + wording.which(state.forms))


def _after_action(state: State, content: Mapping[str, object]) -> Iterator[Piece]:
    """Word an outcome for which the action's owner gave no words."""
    if state.stage is Stage.LEFT:
        yield ModelText("Goodbye.")
    elif state.stage is Stage.FAILED and state.form is not None:
        yield ModelExpects(wording.answer_to_summary(state.form))
        yield ModelText("Sorry, that did not work. Shall I try again?")
    else:
        told = _told(content.get("result"))
        yield ModelExpects(wording.more_answer(state.forms))
        yield ModelText(f"That is done.{told} {_MORE}")


def _told(result: object) -> str:
    """Tell the first plain values of a result by their names."""
    if not isinstance(result, Mapping):
        return ""
    plain = [
        f"{name.replace('_', ' ')}: {value}"
        for name, value in result.items()
        if isinstance(value, (str, int, float))
        and not isinstance(value, bool)
        and len(str(value)) <= _MOST_TOLD_CHARACTERS
    ]
    return f" {', '.join(plain[:_MOST_TOLD]).capitalize()}." if plain else ""


def _call(form: Form, state: State) -> ModelAction:
    arguments: dict[str, object] = {}
    for path, value in constants_of(form.plan.parameters).items():
        _put(arguments, path, value)
    for field in form.fields:
        value = state.values.get(field.path)
        if value is not None:
            _put(arguments, field.path, value.value)
    if form.plan.speak_before is SpeakBefore.ALWAYS:
        arguments["user_message"] = "One moment, please."
    return ModelAction(form.plan.function_name, json.dumps(arguments, ensure_ascii=False))


def _put(arguments: dict[str, object], path: tuple[str, ...], value: object) -> None:
    for name in path[:-1]:
        inner = arguments.setdefault(name, {})
        assert isinstance(inner, dict)
        arguments = inner
    arguments[path[-1]] = value


def _end(actions: Sequence[ActionPlan]) -> Piece:
    for plan in actions:
        if plan.kind is ActionKind.END_CONVERSATION and not plan.phrases:
            return ModelAction(plan.function_name, json.dumps({"user_message": "Goodbye."}))
    return ModelText("Goodbye.")


def _digits_to_press(request: ReplyRequest, text: str) -> ModelAction | None:
    """``press one two pound`` with a digits action is that action."""
    words = spoken_words(text.replace("#", " pound ").replace("*", " star "))
    plan = next((plan for plan in request.actions if plan.kind is ActionKind.DTMF), None)
    if plan is None or not _PRESS & set(words):
        return None
    signs = {"pound": "#", "hash": "#", "star": "*", "asterisk": "*"}
    keys = ""
    for start in range(len(words)):
        row = next((row for row, at, _ in digit_rows(words) if at == start), "")
        keys += row or signs.get(words[start], "")
    return ModelAction(plan.function_name, json.dumps({"buttons": keys})) if keys else None
