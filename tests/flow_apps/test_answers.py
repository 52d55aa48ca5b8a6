"""What apps send, and what is made of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.call.barge_in import BargeInRule, BargeInStrategy
from cordboard.call.flow.actions import (
    FlowAction,
    FlowAudio,
    FlowBargeIn,
    FlowConfigureTranscription,
    FlowHangup,
    FlowMixAudio,
    FlowSendSms,
    FlowSpeak,
    FlowTransfer,
)
from cordboard.call.plan import VoicePlan
from cordboard.flow_apps.answers import ACTIONS_MAX, Answer, AnswerReader
from tests.flow_apps.documents import text, tone, wav

ID, OTHER = "5f5c9c1c-0000-4000-8000-000000000001", "5f5c9c1c-0000-4000-8000-000000000002"


class Voices:
    """A voice for each provider but one."""

    def choose(
        self, provider: str | None, voice: str | None, language: str | None
    ) -> tuple[VoicePlan | None, str]:
        """Return the names as a voice."""
        if provider is None:
            return None, ""
        if provider == "unknown":
            return None, "no such voice"
        return VoicePlan(provider=provider, voice=voice or "", settings={"l": language}), ""


def read(document: object, *, raw: bool = False) -> Answer:
    """Read a document as an app's answer."""
    body = str(document) if raw else json.dumps(document)
    return AnswerReader(ID, {ID, OTHER}.__contains__, Voices()).read(body)


def action(**fields: Any) -> FlowAction | None:
    """Read one action of this call; it must be right."""
    answer = read({"session_id": ID, **fields})
    assert answer.problems == ()
    return answer.actions[0] if answer.actions else None


def fields_of(answer: Answer) -> list[str]:
    """The places of all problems."""
    return [problem.field for problem in answer.problems]


@pytest.mark.parametrize("body", ["", " \n", "null", '""', "[]"])
def test_nothing(body: str) -> None:
    """An empty body, in whatever form, wants nothing and is not wrong."""
    assert read(body, raw=True) == Answer()


@pytest.mark.parametrize(
    "body",
    [
        *("OK", "{", "[" * 5_000, '{"type":NaN}', '{"success": true}', "5", "[5]", "[[]]"),
        *('{"type": "connected"}', '{"error": "x"}', '{"type": "user_speak", "text": "a"}'),
        *('{"type": 5}', '{"type": {"a": []}}', '{"status": 401, "body": {}}', '{"text": "a"}'),
        *('{"type": "speak"}', '{"type": "speak", "text": " "}', '{"type": "transfer"}'),
        '{"type": "transfer", "target_phone_number": "reception"}',
        '{"type": "send_sms", "phone_number": "+4930"}',
        '{"type": "configure_voice_to_voice", "system_prompt": "x"}',
        '{"type": "mix_audio"}',
    ],
)
def test_junk(body: str) -> None:
    """What real clients send beside actions is reported, and nothing is done."""
    answer = read(body, raw=True)
    assert answer.actions == ()
    assert answer.problems


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'\xef\xbb\xbf{"type": "speak", "text": "marked"}', "marked"),
        (b'{"type": "speak", "text": "gr\xfcn"}', "gr\ufffdn"),
        (b'{"type": "speak", "text": "cut \\ud83d"}', "cut \ufffd"),
        (b'{"type": "speak", "text": "\\ude00 \\ud83d\\ude00"}', "\ufffd \U0001f600"),
    ],
)
def test_odd_encodings(body: bytes, said: str) -> None:
    """A mark before the text, another encoding, and half a character lose no sentence."""
    answer = AnswerReader(ID, OTHER.__eq__, Voices()).read(body)
    assert [action.text for action in answer.actions if isinstance(action, FlowSpeak)] == [said]


def test_every_action() -> None:
    """Every action with every field comes out in the call's words."""
    assert action(
        type="speak",
        text="Which day?",
        tts={"provider": "azure", "language": "en-GB", "voice": "en-GB-SoniaNeural"},
        barge_in={"strategy": "immediate", "allow_after_ms": 400},
        user_input_timeout_seconds=7,
        vad={"end_of_turn_silence_ms": 900},
    ) == FlowSpeak(
        text="Which day?",
        voice=VoicePlan(provider="azure", voice="en-GB-SoniaNeural", settings={"l": "en-GB"}),
        language="en-GB",
        rule=BargeInRule(strategy=BargeInStrategy.IMMEDIATE, allow_after_ms=400),
        input_timeout_ms=7_000,
        turn_silence_ms=900,
    )
    sound = action(type="audio", audio=text(wav(tone(100))), barge_in={"strategy": "none"})
    assert isinstance(sound, FlowAudio)
    assert sound.sound is not None
    assert (sound.sound.pcm, sound.rule) == (
        tone(100),
        BargeInRule(strategy=BargeInStrategy.NONE),
    )
    assert action(type="hangup") == FlowHangup()
    assert action(type="barge_in") == FlowBargeIn()
    transfer = {"target_phone_number": "4930555777", "caller_id_name": "Desk", "timeout": 25}
    assert action(type="transfer", caller_id_number="49305", **transfer) == FlowTransfer(
        number="4930555777", caller_name="Desk", caller_number="49305", timeout_s=25
    )
    assert action(
        type="configure_transcription",
        provider="AZURE",
        languages=["de-DE", "tr-TR"],
        custom_vocabulary=["Kreuzkamp"],
        vad={"end_of_turn_silence_ms": 300},
    ) == FlowConfigureTranscription(
        provider="azure",
        languages=("de-DE", "tr-TR"),
        vocabulary=("Kreuzkamp",),
        turn_silence_ms=300,
    )
    mixed = action(type="mix_audio", audio=text(wav(tone(100))), volume=0.2)
    assert isinstance(mixed, FlowMixAudio)
    assert mixed.sound is not None
    assert mixed.volume == 0.2
    assert action(type="mix_audio", stop=True) == FlowMixAudio(sound=None)
    assert action(type="send_sms", phone_number="4915", message="Hi") == FlowSendSms("4915", "Hi")


def test_session_ids() -> None:
    """A missing or foreign id counts as the call's own; that of another live call is refused."""
    for named in ({}, {"session_id": None}, {"session_id": "x"}, {"session_id": 5}):
        answer = read({"type": "hangup", **named})
        assert (answer.actions, fields_of(answer)) == ((FlowHangup(),), ["session_id"])
    answer = read([{"type": "hangup", "session_id": OTHER}, {"type": "hangup", "session_id": ID}])
    assert (answer.actions, fields_of(answer)) == ((FlowHangup(),), ["0.session_id"])


def test_real_clients() -> None:
    """Forms that no document has, but apps that run (section 12), are understood."""
    assert action(type="speak", text="a", tts={"provider": "azure", "language": None}) == FlowSpeak(
        text="a", voice=VoicePlan(provider="azure", settings={"l": None})
    )
    assert action(type="speak", text="a", barge_in={"allow_after_ms": 0}) == FlowSpeak(
        text="a", rule=BargeInRule()
    )
    spoken = action(type="speak", text="a", tts={"provider": "p", "voice": {"name": "Rachel"}})
    assert isinstance(spoken, FlowSpeak)
    assert spoken.voice == VoicePlan(provider="p", voice="Rachel", settings={"l": None})
    assert action(type="speak", text="a", end_of_conversation=True) == FlowSpeak(text="a")
    assert action(type="speak", text="a", user_input_timeout_seconds=0) == FlowSpeak(text="a")
    assert action(type="transfer", transfer_to="+4930") == FlowTransfer(number="+4930")
    assert action(type="transfer", target_phone_number=4930555) == FlowTransfer(number="4930555")


def test_markup() -> None:
    """SSML is said by its words and kept; it goes before a text beside it."""
    document = '<speak xml:lang="de-DE"><voice name="v">Guten Tag</voice></speak>'
    answer = read({"type": "speak", "session_id": ID, "ssml": document, "text": "x"})
    (spoken,) = answer.actions
    assert spoken == FlowSpeak(text="Guten Tag", markup=document, language="de-DE")
    assert fields_of(answer) == ["text"]


@pytest.mark.parametrize(
    ("fields", "expected", "wrong"),
    [
        ({"vad": {"end_of_turn_silence_ms": 99}}, FlowSpeak(text="a"), "vad"),
        ({"vad": {"end_of_turn_silence_ms": 2_001}}, FlowSpeak(text="a"), "vad"),
        ({"vad": []}, FlowSpeak(text="a"), "vad"),
        ({"barge_in": {"strategy": "interrupt"}}, FlowSpeak(text="a", rule=BargeInRule()), "barge"),
        (
            {"barge_in": {"allow_after_ms": 20_000, "minimum_characters": 0}},
            FlowSpeak(text="a", rule=BargeInRule(minimum_characters=1, allow_after_ms=10_000)),
            "barge_in",
        ),
        ({"user_input_timeout_seconds": -1}, FlowSpeak(text="a"), "user_input"),
        ({"user_input_timeout_seconds": "soon"}, FlowSpeak(text="a"), "user_input"),
        ({"tts": "katja"}, FlowSpeak(text="a"), "tts"),
        ({"tts": {"provider": "unknown"}}, FlowSpeak(text="a"), "tts"),
        ({"tts": {"provider": [1]}}, FlowSpeak(text="a"), "tts.provider"),
    ],
)
def test_wrong_fields(fields: dict[str, Any], expected: FlowAction, wrong: str) -> None:
    """A wrong field is clamped or left out and named; the rest of the action is done."""
    answer = read({"type": "speak", "session_id": ID, "text": "a", **fields})
    assert answer.actions == (expected,)
    assert answer.problems
    assert all(problem.field.startswith(wrong) for problem in answer.problems)


def test_clamped_transfer() -> None:
    """A transfer's time is clamped to what the protocol allows."""
    for given_s, taken_s in ((1, 5), (500, 120), (20.7, 20)):
        fields = {"target_phone_number": "+4930", "timeout": given_s}
        answer = read({"type": "transfer", "session_id": ID, **fields})
        assert answer.actions == (FlowTransfer(number="+4930", timeout_s=taken_s),)
        assert "timeout" in fields_of(answer)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"vad": {"end_of_turn_silence_ms": 300}}, FlowConfigureTranscription(turn_silence_ms=300)),
        ({"custom_vocabulary": ["a"]}, FlowConfigureTranscription(vocabulary=("a",))),
        ({"languages": []}, FlowConfigureTranscription(languages=())),
        ({"provider": "DEEPGRAM"}, FlowConfigureTranscription(provider="deepgram", languages=())),
    ],
)
def test_transcription(fields: dict[str, Any], expected: FlowAction | None) -> None:
    """Languages are reset by a provider without any, and kept where neither is named."""
    assert action(type="configure_transcription", **fields) == expected


@pytest.mark.parametrize("audio", ["", "junk!", 5, None, text(b"ID3" + bytes(9))])
def test_no_sound(audio: object) -> None:
    """Whoever sends no sound still waits for its end: an empty one is queued, and reported."""
    answer = read({"type": "audio", "session_id": ID, "audio": audio})
    assert answer.actions == (FlowAudio(sound=None),)
    assert fields_of(answer) == ["audio"]


def test_too_many() -> None:
    """An answer of more actions than anybody needs is cut."""
    answer = read([{"type": "barge_in", "session_id": ID}] * (ACTIONS_MAX + 5))
    assert len(answer.actions) == ACTIONS_MAX
    assert len(answer.problems) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=10,
)
NAMES = st.sampled_from(
    [
        *("type", "session_id", "text", "ssml", "tts", "barge_in", "vad", "audio", "timeout"),
        *("volume", "languages", "custom_vocabulary", "target_phone_number", "phone_number"),
        *("message", "stop"),
    ]
)
KINDS = st.sampled_from(
    [
        *("speak", "audio", "hangup", "transfer", "barge_in", "configure_transcription"),
        *("mix_audio", "send_sms", "configure_voice_to_voice"),
    ]
)


@given(KINDS, st.dictionaries(NAMES, JSON, max_size=6))
def test_anything(kind: str, fields: dict[str, Any]) -> None:
    """Whatever an action holds, reading it ends in actions and problems, never in an error."""
    answer = read({**fields, "type": kind})
    assert len(answer.actions) <= 1
    assert answer.actions or answer.problems or kind == "configure_transcription"
