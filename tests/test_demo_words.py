"""The demonstration is not built into the product."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent

# Words that any form or grammar knows: numbers, times, courtesy, the grammar's own examples.
EVERYDAY = frozenset(
    re.findall(
        "[a-z]+",
        """
    a all also am an and assistant at calendar did does ended example fit five for goodbye half
    hear hello hour how i in is it length like m minutes moment morning nine not one or past
    please right s say set shall so sorry ten that thats the thirty this time to tomorrow
    understand up what would yes you your
    """,
    )
)


def words(text: str) -> set[str]:
    """Return the words of a text in lower case."""
    return set(re.findall(r"[a-z]+", text.lower()))


def test_no_word_of_the_script_is_in_the_source() -> None:
    """What the demo's caller and agent talk about occurs nowhere in the product's code."""
    script = (ROOT / "demo" / "caller.script").read_text()
    spoken = "\n".join(
        line for line in script.splitlines() if line.strip() and not line.startswith("#")
    )
    subject = words(spoken) - EVERYDAY
    assert subject, "the script has no words of its own left"
    found = {
        (word, str(path.relative_to(ROOT)))
        for path in (ROOT / "src").rglob("*.py")
        for word in subject & words(path.read_text())
    }
    assert not found
