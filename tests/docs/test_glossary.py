"""The glossary's words are used, and where it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.page import pages, rows
from tests.tidy.source import ROOT, sources

# One worker process reads the tree for all of these.
pytestmark = pytest.mark.xdist_group("tree")

GLOSSARY = [cells for cells in rows(pages()["docs/glossary.md"]) if cells[0] != "word"]
WORDS = {cells[0]: cells for cells in GLOSSARY}

REQUIRED = """
    call, leg, far end, caller, direction, carrier, provider, account connection, number, agent,
    plan, dispatch, engine, lease, packet, message, frame, mark, playout, heard, voice activity,
    words, utterance, turn, floor, endpointing, end of turn, overlap, barge-in, backchannel, filler,
    reply, action, action call, event, command, webhook event, delivery, attempt, transfer, hold,
    conference, digits, answered by, end reason, response delay
"""


def _spellings(word: str) -> re.Pattern[str]:
    parts = re.split(r"[ -]", word.rstrip("s") if word != "words" else "word")
    return re.compile(r"[ _-]?".join(map(re.escape, parts)), re.IGNORECASE)


def _texts(place: Path) -> str:
    files = [place] if place.is_file() else sorted(place.rglob("*.py"))
    names = " ".join(str(file.relative_to(ROOT)) for file in files)
    return names + "\n" + "\n".join(file.read_text(encoding="utf-8") for file in files)


def test_all_words_are_there() -> None:
    """Every idea of the field that we speak of has its word."""
    required = {" ".join(word.split()) for word in REQUIRED.split(",")}
    assert required <= WORDS.keys()


@pytest.mark.parametrize("cells", GLOSSARY, ids=lambda cells: str(cells[0]).replace(" ", "_"))
def test_a_word_lives_where_it_says(cells: list[str]) -> None:
    """The place exists, and the word is used in it."""
    assert len(cells) == 4
    word, meaning, _, place = cells
    assert len(meaning) > 10
    if place == "later":
        return
    path = ROOT / "src/cordboard" / place
    assert path.exists(), f"{word}: src/cordboard/{place} does not exist"
    assert _spellings(word).search(_texts(path)), f"{word} is not used in src/cordboard/{place}"


def test_no_class_is_named_by_an_avoided_word() -> None:
    """What the glossary calls otherwise is no name of a class in the pure core or the engine."""
    avoided = {"Session", "Channel", "Bot", "Assistant", "Worker", "Pipeline"}
    found = {
        name
        for source in sources()
        if source.layer in ("call", "engine", "ports")
        for name, _ in source.definitions
    }
    assert not avoided & found
