"""A reply's text as it streams in, cut into clauses that may be spoken."""

from __future__ import annotations

import re

FIRST_CLAUSE_WORDS = 2
LONGEST_CLAUSE = 300

_SOFT = ",;:"
_HARD = ".?!…。？！\n"
_ABBREVIATIONS = frozenset(
    {"dr", "mr", "mrs", "ms", "prof", "st", "nr", "vs", "e.g", "i.e", "approx", "jr", "sr"}
    | {"inc", "ltd", "bzw", "ca", "z.b", "d.h", "u.a"}
)
_CLOSERS = "\"')]}»”’"
_WORD_BEFORE = re.compile(r"(\S+)$")


class ClauseSplitter:
    """Cuts at the punctuation itself, without waiting for what follows it where that cannot change
    the cut.

    The first clause of a reply may end at a comma, colon or semicolon once it has two words, so
    that sound begins early; later ones are whole sentences. A mark between digits (``10:30``,
    ``3.5``), in an abbreviation (``Dr.``) or an initial does not end anything. A clause over 300
    characters is cut at a space.
    """

    def __init__(self) -> None:
        self._text = ""
        self._scanned = 0
        self._first = True

    def push(self, text: str) -> list[str]:
        """Take more text; return the clauses it completed, trimmed and never empty."""
        self._text += text
        clauses: list[str] = []
        while (end := self._next_end()) is not None:
            clause = self._text[:end].strip()
            self._text = self._text[end:]
            self._scanned = 0
            if clause:
                clauses.append(clause)
                self._first = False
        return clauses

    def finish(self) -> list[str]:
        """The reply is complete: return what is left of it as the last clause."""
        rest = self._text.strip()
        self._text = ""
        self._scanned = 0
        return [rest] if any(character.isalnum() for character in rest) else []

    def _next_end(self) -> int | None:
        text = self._text
        at = self._scanned
        while at < len(text):
            if text[at] in _HARD or (self._first and text[at] in _SOFT):
                verdict = self._judge(at)
                if verdict is None:  # the next character decides
                    self._scanned = at
                    return None
                if verdict > 0:
                    return verdict
            at += 1
        self._scanned = at
        if at > LONGEST_CLAUSE:
            space = text.rfind(" ", 0, LONGEST_CLAUSE)
            return space if space > 0 else LONGEST_CLAUSE
        return None

    def _judge(self, at: int) -> int | None:
        """Return where the clause ends, 0 if the mark ends nothing, None if that is still open."""
        text = self._text
        if not any(character.isalnum() for character in text[:at]):
            return 0
        if text[at] == "\n":
            return at + 1
        following = text[at + 1 : at + 2]
        before = text[at - 1]
        if text[at] in ".,:":
            if before.isdigit():
                if not following:
                    return None
                if following.isdigit():
                    return 0
            if text[at] == "." and self._is_abbreviation(at):
                return 0
        if not following and text[at] in _HARD and text.count('"', 0, at) % 2:
            return None
        if following and not following.isspace() and following not in _CLOSERS + _HARD:
            return 0
        end = at + 1
        while end < len(text) and text[end] in _CLOSERS + _HARD and text[end] != "\n":
            end += 1
        if text[at] in _SOFT and len(text[:at].split()) < FIRST_CLAUSE_WORDS:
            return 0
        return end

    def _is_abbreviation(self, at: int) -> bool:
        found = _WORD_BEFORE.search(self._text[:at])
        if found is None:
            return False
        word = found.group().lstrip("(\"'").lower()
        if word in _ABBREVIATIONS:
            return True
        return len(word) == 1 and word.isalpha() and word != "i"
