"""What is kept of a receiver's answer: its beginning, without what should not be kept."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from cordboard.observe import MASK, Redaction

ANSWER_BYTES: Final = 1024
_PREFIX_LENGTH: Final = 8

# Read as text and not as JSON: the answer may be cut, or be a page of an error.
_NAMED: Final = re.compile(
    r"((?:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|credentials?|cookie|session|signature)"
    r"[\w-]{0,20}[\"']?\s{0,4}[:=]\s{0,4}[\"']?)[^\s\"',;&}]+",
    re.IGNORECASE,
)


def kept_answer(body: bytes, secrets: Sequence[str]) -> str:
    """Return the first kibibyte as text; ``secrets``, credentials and telephone numbers are masked.

    A secret that the end of the kibibyte cuts is masked as well. Control characters are escaped.
    """
    text = body[:ANSWER_BYTES].decode("utf-8", "replace")
    for secret in secrets:
        text = _without_cut(text, secret)
    text = _NAMED.sub(rf"\g<1>{MASK}", text)
    return Redaction(secrets).text(text)[:ANSWER_BYTES]


def _without_cut(text: str, secret: str) -> str:
    """Mask a secret of which the text's end holds only the beginning."""
    for length in range(len(secret) - 1, _PREFIX_LENGTH - 1, -1):
        if text.endswith(secret[:length]):
            return text[:-length] + MASK
    return text
