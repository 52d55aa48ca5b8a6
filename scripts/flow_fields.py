"""The tables of docs/ai-flow.md: every field of every event and action, from the models.

What a field is comes from the models that the server uses; what we make of it stands here.
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from cordboard.flowapp import BargeInSettings, FlowSession, Tts, Vad
from cordboard.flowapp.actions import Action
from cordboard.flowapp.events import Event

PAGE: Final = "docs/ai-flow.md"
BEGIN: Final = "<!-- written by make docs: {} -->"
END: Final = "<!-- end -->"

EVENTS: Final[tuple[type[BaseModel], ...]] = get_args(Event)
ACTIONS: Final[tuple[type[BaseModel], ...]] = get_args(Action)
PARTS: Final[dict[str, type[BaseModel]]] = {
    "session": FlowSession,
    "tts": Tts,
    "barge_in (in speak and audio)": BargeInSettings,
    "vad": Vad,
}

# By model and field, or by field alone where all models mean the same.
BEHAVIOUR: Final[Mapping[str, str]] = {
    "session": "on every event, always with all its fields",
    "session_id": "the way an action came tells its call: missing or foreign, it is taken for that "
    "call and a warning is kept; the id of another live call is refused",
    "FlowSession.id": "a UUID, the call's id in the API and on its page",
    "FlowSession.account_id": "the organization's id",
    "FlowSession.phone_number": "as `to_phone_number`, on calls out too",
    "FlowSession.direction": "always sent",
    "FlowSession.from_phone_number": "E.164 with `+`; without where the flow has `digits_only`",
    "FlowSession.to_phone_number": "likewise",
    "UserSpeak.text": "a whole turn, never empty: what was not understood is not told",
    "UserSpeak.barged_in": "always sent; `true` exactly if it cut off what was sounding",
    "UserSpeak.transcript": "`text` once more, where the flow has `send_transcript_field`",
    "AssistantSpeak.text": "the words; of SSML those without its tags",
    "AssistantSpeak.ssml": "the document, where the action had one",
    "AssistantSpeak.duration_ms": "the whole length, heard or not",
    "AssistantSpeak.speech_started_at": "Unix time in milliseconds of the first sound",
    "DtmfReceived.digit": "one of `0` to `9`, `*`, `#`; `A` to `D` are not told",
    "SmsFailed.phone_number": "as the action had it",
    "SmsFailed.error": "a short reason, such as `no_gateway`",
    "UserBargeIn.text": "the same words as in the `user_speak` that follows at once",
    "Speak.text": "said as it is; cut after 20,000 characters",
    "Speak.ssml": "goes before `text`; where the synthesizer takes no SSML its words are said",
    "tts": "of this one speech; `null` and missing are the flow's own voice",
    "barge_in": "of this one speech or sound; without it the flow's own setting",
    "user_input_timeout_seconds": "fractions are taken, 0 is none; a `speak` without it takes an "
    "earlier wish back, an `audio` without it lets it stand",
    "vad": "holds until it is set again",
    "Tts.provider": "told from the voice where it is missing; if not configured here, the server's "
    "own synthesizer speaks, and a warning is kept",
    "Tts.language": "of this text; SSML's own goes before it",
    "Tts.voice": "an unknown one is the flow's own, with a warning; the older object with `id` or "
    "`name` is read",
    "BargeInSettings.strategy": "an unknown one counts as missing",
    "BargeInSettings.minimum_characters": "of what is recognised so far, partial words too; out of "
    "range it is moved to the nearest bound",
    "BargeInSettings.allow_after_ms": "counted from the first sound; out of range it is moved to "
    "the nearest bound",
    "Vad.end_of_turn_silence_ms": "out of range it is left out, and the rest of the action is done",
    "Audio.audio": "base64 of a WAV file of any rate, width and channel count; anything else plays "
    "nothing, is reported, and still has its `assistant_speech_ended`",
    "Transfer.target_phone_number": "with `+` or without; `transfer_to` is read too. Passes the "
    "server's dial policy",
    "Transfer.caller_id_name": "the name shown to the target, where the carrier takes one",
    "Transfer.caller_id_number": "the number shown, as far as the carrier lets us; without it the "
    "called number",
    "Transfer.timeout": "out of range it is moved to the nearest bound",
    "ConfigureTranscription.provider": "if not configured here, the server's own goes on",
    "ConfigureTranscription.languages": "the first one is listened for, and spoken; reset only "
    "where `provider` comes without them",
    "ConfigureTranscription.custom_vocabulary": "replaces the flow's own list on this call; a word "
    "of over 200 characters is cut",
    "MixAudio.audio": "as in `audio`",
    "MixAudio.volume": "out of range it is moved to the nearest bound",
    "MixAudio.stop": "ends the loop; `audio` is not looked at then",
    "SendSms.phone_number": "with `+` or without; passes the server's dial policy",
    "SendSms.message": "cut after 1,600 characters",
    "ConfigureVoiceToVoice.system_prompt": "the action is ignored, with a warning",
    "ConfigureVoiceToVoice.greeting": "likewise",
    "ConfigureVoiceToVoice.temperature": "likewise",
    "ConfigureVoiceToVoice.language": "likewise",
}

_NAMES: Final[Mapping[Any, str]] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
}
_BOUNDS: Final = (Ge, Le, MinLen, MaxLen)


def tables() -> dict[str, str]:
    """Return the generated parts of the page by their names."""
    return {
        "events": _table(EVENTS),
        "actions": _table(ACTIONS),
        "parts": "\n".join(_rows_table(_part_rows())),
    }


def with_tables(page: str) -> str:
    """Return the page with its generated parts as they are to be."""
    for name, table in tables().items():
        begin = BEGIN.format(name)
        pattern = re.compile(rf"{re.escape(begin)}\n.*?{re.escape(END)}", re.DOTALL)
        parts = pattern.split(page)
        if len(parts) != 2:
            raise ValueError(f"{PAGE} has {len(parts) - 1} parts {begin}")
        page = f"{begin}\n{table}\n{END}".join(parts)
    return page


def behaviour(model: type[BaseModel], field: str) -> str:
    """Return what we make of a field. Raises ``KeyError`` for one that nobody has described."""
    own = f"{model.__name__}.{field}"
    return BEHAVIOUR[own] if own in BEHAVIOUR else BEHAVIOUR[field]


def _table(models: tuple[type[BaseModel], ...]) -> str:
    lines = []
    for model in models:
        kind = model.model_fields["type"].default
        meaning = " ".join((model.__doc__ or "").split()).replace("``", "`")
        lines += [f"### `{kind}`", "", meaning, ""]
        rows = list(_rows(model))
        lines += [*_rows_table(rows), ""] if rows else []
    return "\n".join(lines).rstrip()


def _part_rows() -> Iterator[tuple[str, str, str, str]]:
    for name, model in PARTS.items():
        part = name.partition(" ")[0]
        for field, kind, need, text in _rows(model):
            yield f"`{part}`.{field}", kind, need, text


def _rows(model: type[BaseModel]) -> Iterator[tuple[str, str, str, str]]:
    for name, field in model.model_fields.items():
        if name == "type" or (name in ("session", "session_id") and model in (*EVENTS, *ACTIONS)):
            continue
        yield f"`{name}`", _kind(field), _need(field), behaviour(model, name)


def _rows_table(rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = ["| field | type | required | with us |", "|---|---|---|---|"]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def _need(field: FieldInfo) -> str:
    if field.is_required():
        return "yes"
    default = field.default
    return "no" if default in (None, "") else f"no: `{str(default).lower()}`"


def _kind(field: FieldInfo) -> str:
    name = _type_name(field.annotation)
    bounds = [each for each in field.metadata if isinstance(each, _BOUNDS)]
    bounds += [each for part in get_args(field.annotation) for each in _bounds_of(part)]
    low = next((each.ge for each in bounds if isinstance(each, Ge)), None)
    high = next((each.le for each in bounds if isinstance(each, Le)), None)
    if low is not None and high is not None:
        return f"{name}, {low} to {high}"
    least = next((each.min_length for each in bounds if isinstance(each, MinLen)), None)
    most = next((each.max_length for each in bounds if isinstance(each, MaxLen)), None)
    if most is not None:
        what = "items" if name.startswith("list") else "characters"
        return f"{name}, {least or 0} to {most} {what}"
    return name


def _bounds_of(part: Any) -> list[Any]:
    return [each for each in getattr(part, "__metadata__", ()) if isinstance(each, _BOUNDS)]


def _type_name(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return " or ".join(_type_name(each) for each in arguments if each is not type(None))
    if origin is Literal:
        return ", ".join(f"`{each}`" for each in arguments)
    if origin is list:
        return f"list of {_type_name(arguments[0])}s"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "object, see below"
    return _NAMES[annotation]
