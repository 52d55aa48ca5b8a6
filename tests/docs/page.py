"""Pages of documentation as the tests read them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.tidy.source import ROOT, project_files

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)


def pages() -> dict[str, str]:
    """Return every Markdown page of the project by its path."""
    names = [name for name in project_files() if name.endswith(".md")]
    return {name: (ROOT / name).read_text(encoding="utf-8") for name in names}


def blocks(text: str, *languages: str) -> list[str]:
    """Return the code blocks of ``text`` that are in one of ``languages``."""
    return [body for language, body in _FENCE.findall(text) if language in languages]


def links(text: str) -> list[str]:
    """Return the targets of all links outside code."""
    return _LINK.findall(_FENCE.sub("", text))


def anchors(text: str) -> set[str]:
    """Return the anchors that headings get."""
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(text))
    return {heading.strip().replace(" ", "-") for heading in kept}


def rows(text: str) -> Iterator[list[str]]:
    """Yield the cells of every table row, headings too, but not the rules below them."""
    for line in text.splitlines():
        if line.startswith("|") and set(line) - set("|-: "):
            yield [cell.strip() for cell in line.strip("|").split("|")]
