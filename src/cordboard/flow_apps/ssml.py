"""Plain words out of a ``<speak>`` document, for synthesizers that take no markup."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree

_LANGUAGE: Final = "{http://www.w3.org/XML/1998/namespace}lang"
_BLOCKS: Final = frozenset({"p", "s", "paragraph", "sentence"})
_SPELLED: Final = frozenset({"characters", "spell-out", "verbatim", "digits", "telephone"})
_SENTENCE_ENDS: Final = (".", "!", "?", ",", ";", ":", "\u2026")
_DEPTH_MAX: Final = 50


class BadMarkup(ValueError):
    """The document is no well-formed XML; ``words`` is what is left without its tags."""

    def __init__(self, words: str) -> None:
        """Keep what can be said all the same."""
        super().__init__("is not well-formed")
        self.words = words


@dataclass(frozen=True, slots=True)
class Markup:
    """The words of a document, and the first language and voice that it asks for."""

    words: str
    language: str | None = None
    voice: str | None = None


def read_markup(document: str) -> Markup:
    """Return what a document says (W3C SSML 1.1, sections 3.1 and 3.2).

    Pauses become commas, letters to be spelled stand apart, substitutes take the place of what
    they stand for.

    Raises:
        BadMarkup: it cannot be read as XML, declares entities, or is nested beyond measure.

    """
    if "<!DOCTYPE" in document.upper().replace(" ", "") or "<!ENTITY" in document.upper():
        raise BadMarkup(_stripped(document))
    try:
        # What is feared of XML needs a DOCTYPE, which has been refused.
        root = ElementTree.fromstring(document.strip())  # noqa: S314
    except (ElementTree.ParseError, ValueError):
        raise BadMarkup(_stripped(document)) from None
    pieces: list[str] = []
    if not _collect(root, pieces, 0):
        raise BadMarkup(_stripped(document))
    voice = next((each for each in root.iter() if _name(each) == "voice"), None)
    return Markup(
        _tidied("".join(pieces)),
        root.get(_LANGUAGE),
        None if voice is None else voice.get("name"),
    )


def _collect(element: ElementTree.Element, pieces: list[str], depth: int) -> bool:
    """Append what an element says; False if it goes too deep."""
    if depth > _DEPTH_MAX:
        return False
    name = _name(element)
    if name == "sub" and element.get("alias"):
        pieces.append(element.get("alias", ""))
        return True
    if name == "break":
        pieces.append(" , ")
        return True
    if name == "say-as" and element.get("interpret-as", "").lower() in _SPELLED:
        pieces.append(" " + " ".join("".join(element.itertext())) + " ")
        return True
    if name in _BLOCKS:
        pieces.append(" \x00 ")
    pieces.append(element.text or "")
    for child in element:
        if not _collect(child, pieces, depth + 1):
            return False
        pieces.append(child.tail or "")
    if name in _BLOCKS:
        pieces.append(" \x00 ")
    return True


def _name(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2].lower()


def _tidied(text: str) -> str:
    words = re.sub(r" ([.,!?;:])", r"\1", " ".join(text.split()))
    parts = [part.strip() for part in words.split("\x00")]
    closed = [
        part if not part or part.endswith(_SENTENCE_ENDS) else f"{part}." for part in parts[:-1]
    ]
    joined = " ".join(part for part in (*closed, parts[-1]) if part)
    return re.sub(r"([.!?;:])\s*,|,(?:\s*,)+", lambda found: found[1] or ",", joined).strip(" ,")


def _stripped(document: str) -> str:
    return " ".join(re.sub(r"<[^>]*>?", " ", document).split())
