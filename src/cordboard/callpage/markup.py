"""Text into markup: everything from outside passes through here."""

from __future__ import annotations

import html
import json
import re
import unicodedata

_HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


def text(value: object) -> Markup:
    """Return any value as text in a page; what is invisible or turns text around is shown."""
    if isinstance(value, Markup):
        return value
    shown = str(value).encode("utf-8", "replace").decode("utf-8")
    return Markup(html.escape(_HIDDEN.sub(_visible, shown), quote=True))


def json_text(value: object) -> Markup:
    """Return a JSON value, indented, as text in a page."""
    return text(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def joined(*pieces: Markup) -> Markup:
    """Return pieces of markup one after the other."""
    return Markup("".join(pieces))


def element(name: str, *inner: object, **attributes: object) -> Markup:
    """Return an element; ``kind`` is its class, attributes of None are left out.

    Underscores in an attribute's name stand for hyphens.
    """
    given = []
    for key, value in attributes.items():
        if value is not None:
            shown = "class" if key == "kind" else key.replace("_", "-")
            given.append(f' {shown}="{text(value)}"')
    content = "".join(text(each) for each in inner)
    return Markup(f"<{name}{''.join(given)}>{content}</{name}>")


def table(heads: list[tuple[str, str]], rows: list[list[Markup]], kind: str = "") -> Markup:
    """Return a table; ``heads`` are (title, class of the column), rows hold whole cells."""
    top = joined(*(element("th", title, kind=name or None) for title, name in heads))
    body = joined(*(element("tr", *row) for row in rows))
    return element(
        "div",
        element("table", element("thead", element("tr", top)), element("tbody", body)),
        kind=f"scroll {kind}".strip(),
    )


def moment(at_ms: int | None) -> str:
    """Return a position on the timeline as minutes and seconds, such as ``1:05.3``."""
    if at_ms is None:
        return "–"
    sign, tenths = ("-" if at_ms < 0 else ""), abs(at_ms) // 100
    return f"{sign}{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


def milliseconds(value: int | None, *, signed: bool = False) -> str:
    """Return a duration for people, in milliseconds."""
    if value is None:
        return "–"
    return f"{value:+,} ms" if signed else f"{value:,} ms"


def _visible(found: re.Match[str]) -> str:
    name = unicodedata.name(found[0], "")
    return f"\u27e8{name.lower() or f'U+{ord(found[0]):04X}'}\u27e9"
