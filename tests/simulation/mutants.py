"""Actions as no client should send them: valid documents, changed by a seed."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable
from typing import Any

from cordboard.ids import Randomness
from cordboard.media.tones import noise

SESSION = "c1"
OTHER_SESSION = "c2"
"""Another call that is live."""

Json = dict[str, Any]
_HUGE = (1e308, -1e308, 10**30, -(10**30), 2**63, -1, 0, 1e-9)
_ODD: tuple[object, ...] = (
    None, True, False, 7, -7, 0.5, "", " ", "seven", "7", [], {}, [[]], {"a": {}}, ["x", 1, None],
)  # fmt: skip


def documents(number: int, draw: Randomness) -> tuple[Json, ...]:
    """Return one valid action of every kind; its words are its own by ``number``."""
    text = f"lima mike {_mark(number)}"
    rule = {"strategy": "minimum_characters", "minimum_characters": 4, "allow_after_ms": 100}
    sound = {"audio": recording(draw), "barge_in": {"strategy": "none"}}
    words = {"text": text, "user_input_timeout_seconds": 2.5, "barge_in": rule}
    return (
        {"type": "speak", "text": text},
        {"type": "speak", **words, "tts": {"provider": "azure", "voice": "de-DE-KatjaNeural"}},
        {"type": "speak", **words, "vad": {"end_of_turn_silence_ms": 900}},
        {"type": "speak", "ssml": f"<speak><p>{text}</p><break time='1s'/></speak>"},
        {"type": "audio", **sound},
        {"type": "audio", **sound, "user_input_timeout_seconds": 3},
        {"type": "hangup"},
        {"type": "transfer", "target_phone_number": "+4930555777", "timeout": 20},
        {"type": "barge_in"},
        {
            "type": "configure_transcription",
            "provider": "DEEPGRAM",
            "languages": ["de-DE", "en-US"],
            "custom_vocabulary": ["Kreuzkamp", "order number"],
            "vad": {"end_of_turn_silence_ms": 400},
        },
        {"type": "mix_audio", "audio": sound["audio"], "volume": 0.3},
        {"type": "mix_audio", "stop": True},
        {"type": "send_sms", "phone_number": "+4917000001", "message": "Your code"},
        {"type": "configure_voice_to_voice", "system_prompt": "Be brief."},
    )


def recording(draw: Randomness) -> str:
    """Return base64 of a WAV file, or of what real documents hold in its place."""
    rates_hz = (8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 1, 0, 2**31)
    rate_hz = rates_hz[0 if draw.uniform(0, 1) < 0.5 else pick(draw, len(rates_hz))]
    pcm = noise(int(draw.uniform(0, 300)), 8_000)
    bits = (8, 16, 24, 32)[pick(draw, 4)]
    channels = (1, 1, 1, 2, 0, 9)[pick(draw, 6)]
    form = (1, 1, 1, 3, 6, 7, 85)[pick(draw, 7)]
    block = max(1, channels * bits // 8)
    shape = (16, form, channels, rate_hz, rate_hz * block % 2**32, block, bits)
    header = b"WAVEfmt " + struct.pack("<IHHIIHH", *shape)
    size = len(pcm) if draw.uniform(0, 1) < 0.8 else draw.bits(32)
    file = b"RIFF" + struct.pack("<I", 36 + len(pcm)) + header + b"data"
    file += struct.pack("<I", size) + pcm
    way = draw.uniform(0, 1)
    if way < 0.1:
        file = file[: pick(draw, len(file))]
    elif way < 0.15:
        file = b"ID3\x04\x00" + draw.random_bytes(200)
    elif way < 0.2:
        file = pcm
    elif way < 0.25:
        file = b""
    text = base64.b64encode(file).decode()
    if way > 0.95:
        return "%%" + text
    return "data:audio/wav;base64," + text if way > 0.9 else text


def pick(draw: Randomness, count: int) -> int:
    """Return a whole number below ``count``."""
    return min(count - 1, int(draw.uniform(0, count)))


def mutant(number: int, draw: Randomness) -> bytes:
    """Return a body: one or several actions, most of them with something wrong."""
    valid = documents(number, draw)
    items = [dict(valid[pick(draw, len(valid))])]
    if items[0]["type"] in ("hangup", "transfer") and draw.uniform(0, 1) < 0.7:
        items = [dict(valid[pick(draw, 6)])]
    if draw.uniform(0, 1) < 0.2:
        items.append(dict(valid[4 + pick(draw, 2)]))
    for item in items:
        item["session_id"] = SESSION
        for _ in range(pick(draw, 4)):
            _CHANGES[pick(draw, len(_CHANGES))](item, draw)
        _keep_apart(item, number)
    whole: object = items if len(items) > 1 or draw.uniform(0, 1) < 0.2 else items[0]
    if draw.uniform(0, 1) < 0.04:
        whole = [whole, [whole], "speak", None, 7]
    text = json.dumps(whole, ensure_ascii=draw.uniform(0, 1) < 0.5)
    if draw.uniform(0, 1) < 0.3:
        text = _SCRAMBLES[pick(draw, len(_SCRAMBLES))](text, draw)
    return text.encode(errors="surrogatepass")


def _mark(number: int) -> str:
    """Return a word that no other number's becomes by a change of a character."""
    return f"n{number}q{number * 7919 % 9973}"


def _keep_apart(item: Json, number: int) -> None:
    """Let no two documents say the same, so that what is said twice is told."""
    for name in ("text", "ssml"):
        said = item.get(name)
        if isinstance(said, str) and said.strip() and _mark(number) not in said:
            item[name] = f"{said} {_mark(number)}"
        elif isinstance(said, (int, float)) and not isinstance(said, bool):
            item[name] = said if said != said else number


def _field(item: Json, draw: Randomness) -> tuple[Json, str]:
    """Return a field, at times one of an object within."""
    name = sorted(item)[pick(draw, len(item))] if item else "type"
    within = item.get(name)
    if isinstance(within, dict) and within and draw.uniform(0, 1) < 0.7:
        within = item[name] = dict(within)
        return within, sorted(within)[pick(draw, len(within))]
    return item, name


def _drop(item: Json, draw: Randomness) -> None:
    holder, name = _field(item, draw)
    holder.pop(name, None)


def _odd(item: Json, draw: Randomness) -> None:
    holder, name = _field(item, draw)
    holder[name] = _ODD[pick(draw, len(_ODD))]


def _huge(item: Json, draw: Randomness) -> None:
    holder, name = _field(item, draw)
    holder[name] = _HUGE[pick(draw, len(_HUGE))]


def _not_a_number(item: Json, draw: Randomness) -> None:
    holder, name = _field(item, draw)
    holder[name] = (float("nan"), float("inf"), float("-inf"))[pick(draw, 3)]


def _long(item: Json, draw: Randomness) -> None:
    """Make a text long: mostly not one that is spoken, which would take its time."""
    holder, name = _field(item, draw)
    if isinstance(holder.get(name), str):
        holder[name] += " x" * pick(draw, 30_000 if name not in ("text", "ssml") else 40)


def _characters(item: Json, draw: Randomness) -> None:
    holder, name = _field(item, draw)
    odd = ("\x00", "\ud800", "\u202e", "\U0001f600", "</speak>", "<!DOCTYPE a>", "&amp;", "]]>")
    if isinstance(holder.get(name), str):
        at = pick(draw, len(holder[name]) + 1)
        holder[name] = holder[name][:at] + odd[pick(draw, len(odd))] + holder[name][at:]


def _shorten(item: Json, draw: Randomness) -> None:
    holder, name = _field(item, draw)
    if isinstance(holder.get(name), (str, list)):
        holder[name] = holder[name][: pick(draw, len(holder[name]) + 1)]


def _nest(item: Json, draw: Randomness) -> None:
    holder, name = _field(item, draw)
    for _ in range(pick(draw, 60)):
        holder[name] = [holder.get(name)] if draw.uniform(0, 1) < 0.5 else {"a": holder.get(name)}


def _another_type(item: Json, draw: Randomness) -> None:
    names = ("Speak", "SPEAK", "speak ", "session_start", "user_speak", "audio", "connected")
    item["type"] = names[pick(draw, len(names))]


def _another_call(item: Json, draw: Randomness) -> None:
    item["session_id"] = (OTHER_SESSION, "nobody", 7, None, "")[pick(draw, 5)]


def _unknown(item: Json, draw: Randomness) -> None:
    item[("end_of_conversation", "timestamp", "body", "transfer_to")[pick(draw, 4)]] = True


def _cut(text: str, draw: Randomness) -> str:
    return text[: pick(draw, len(text))]


def _twice(text: str, draw: Randomness) -> str:
    """Repeat a key, with another value behind it."""
    return text.replace("}", ', "type": "speak", "audio": 7, "timeout": NaN}', 1)


def _deep(text: str, draw: Randomness) -> str:
    depth = pick(draw, 20_000)
    return "[" * depth + text + "]" * depth


def _behind(text: str, draw: Randomness) -> str:
    return text + ("}", "OK", "\x00", text, "//")[pick(draw, 5)]


def _before(text: str, draw: Randomness) -> str:
    return ("\ufeff", " \r\n\t", "while(1);", "'")[pick(draw, 4)] + text


def _instead(text: str, draw: Randomness) -> str:
    bodies = ("OK", "null", '""', "[]", "{}", '{"success":true}', "<html>", "\ud800", "-", "1e999")
    return bodies[pick(draw, len(bodies))]


def _flip(text: str, draw: Randomness) -> str:
    at = pick(draw, len(text))
    return text[:at] + chr(1 + pick(draw, 250)) + text[at + 1 :]


_CHANGES: tuple[Callable[[Json, Randomness], None], ...] = (
    _drop, _odd, _odd, _huge, _not_a_number, _long, _characters, _shorten, _nest, _another_type,
    _another_call, _unknown,
)  # fmt: skip
_SCRAMBLES: tuple[Callable[[str, Randomness], str], ...] = (
    _cut, _twice, _deep, _behind, _before, _instead, _flip
)  # fmt: skip
