"""Cutting a text to speak into pieces that are short to make and natural to hear."""

from __future__ import annotations

from collections.abc import Iterator
from re import compile as compile_pattern

MOST_CHARACTERS = 300
_SENTENCE_END = compile_pattern(r"[.!?…:;]+[\"')\]]*\s+")


def pieces(text: str, most: int = MOST_CHARACTERS) -> Iterator[tuple[int, str]]:
    """Yield (start, piece): sentences, cut at a space where one is longer than ``most``.

    Pieces without a letter or digit are left out; the others cover the text in order.
    """
    start = 0
    for match in _SENTENCE_END.finditer(text):
        yield from _short(text, start, match.end(), most)
        start = match.end()
    yield from _short(text, start, len(text), most)


def _short(text: str, start: int, end: int, most: int) -> Iterator[tuple[int, str]]:
    while end - start > most:
        space = text.rfind(" ", start + 1, start + most)
        cut = space + 1 if space > start else start + most
        if _speakable(text[start:cut]):
            yield start, text[start:cut]
        start = cut
    if _speakable(text[start:end]):
        yield start, text[start:end]


def _speakable(piece: str) -> bool:
    return any(character.isalnum() for character in piece)
