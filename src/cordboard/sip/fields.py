"""The values of single header fields: addresses, Via, CSeq, lists and parameters.

URI and Via grammar is ``sipmessage``'s; everything it may raise on hostile text becomes
``BadField``. Addresses are scanned here, because quoted text may hold ``;`` and ``,``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import sipmessage

MAX_FIELD_CHARS = 8_192
MAX_CSEQ = 2**31 - 1

_TOKEN = r"[A-Za-z0-9\-.!%*_+`'~]+"  # noqa: S105 - a grammar's name
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_NAME_ADDRESS = re.compile(
    rf'[ \t]*(?P<name>{_QUOTED}|[^<>",;:@]*)[ \t]*<(?P<uri>[^<>\s"]+)>', re.DOTALL
)
_BARE_ADDRESS = re.compile(r'[ \t]*(?P<uri>[^\s<>",;?]+)')
_PARAMETER = re.compile(
    rf'[ \t]*;[ \t]*(?P<name>[^\s;=,"<>]+)(?:[ \t]*=[ \t]*(?P<value>{_QUOTED}|[^\s;,"<>]+))?',
    re.DOTALL,
)
_CSEQ = re.compile(rf"([0-9]{{1,10}})[ \t]+({_TOKEN})")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*(?=:)")
_TOKEN_ONLY = re.compile(_TOKEN)
# A quote that is not closed runs to the end, so that many of them cost no more than one.
_LIST_BREAK = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[,<>]', re.DOTALL)


class BadField(ValueError):
    """A header field's value does not follow its grammar; the text says which and why."""


@dataclass(frozen=True, slots=True)
class NameAddress:
    """An address of From, To, Contact, Route and the like (RFC 3261 section 20.10)."""

    uri: str
    display_name: str = ""
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def tag(self) -> str:
        """The tag, or an empty string (RFC 2543 peers have none)."""
        return self.parameters.get("tag", "")


@dataclass(frozen=True, slots=True)
class Via:
    """The topmost Via: where a request's responses belong."""

    transport: str
    host: str
    port: int | None
    parameters: dict[str, str]

    @property
    def branch(self) -> str:
        """The branch, or an empty string."""
        return self.parameters.get("branch", "")


def is_token(text: str) -> bool:
    """Tell whether ``text`` is one token of RFC 3261 section 25.1."""
    return _TOKEN_ONLY.fullmatch(text) is not None


def parse_parameters(text: str, what: str) -> dict[str, str]:
    """Read ``;name=value`` pairs; names in lower case, quotes taken off, no value is ``""``."""
    found: dict[str, str] = {}
    position = 0
    while position < len(text):
        match = _PARAMETER.match(text, position)
        if match is None:
            if text[position:].strip(" \t"):
                raise BadField(f"{what}: bad parameters")
            break
        value = match["value"] or ""
        found.setdefault(match["name"].lower(), unquote(value))
        position = match.end()
    return found


def unquote(text: str) -> str:
    """Take the quotes and the escapes off a quoted string; other text stays as it is."""
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)
    return text


def parse_address(text: str, what: str) -> NameAddress:
    """Read one name-addr or addr-spec with its parameters. Raises ``BadField``."""
    if len(text) > MAX_FIELD_CHARS:
        raise BadField(f"{what}: too long")
    match = _NAME_ADDRESS.match(text)
    name = ""
    if match is not None:
        name = unquote(match["name"].strip())
    else:
        match = _BARE_ADDRESS.match(text)
    if match is None or _SCHEME.match(match["uri"]) is None:
        raise BadField(f"{what}: not an address")
    return NameAddress(match["uri"], name, parse_parameters(text[match.end() :], what))


def split_list(text: str) -> Iterator[str]:
    """Split at the commas that stand outside quotes and angle brackets."""
    start = 0
    inside = False
    for match in _LIST_BREAK.finditer(text):
        mark = match[0]
        if mark == "<":
            inside = True
        elif mark == ">":
            inside = False
        elif mark == "," and not inside:
            yield text[start : match.start()].strip()
            start = match.end()
    yield text[start:].strip()


def parse_addresses(values: list[str], what: str) -> list[NameAddress]:
    """Read a comma-separated, possibly repeated address field. Raises ``BadField``."""
    return [parse_address(part, what) for value in values for part in split_list(value)]


def parse_tokens(values: list[str]) -> list[str]:
    """Read a list of tokens such as Require or Supported, in lower case."""
    parts = (part.strip().lower() for value in values for part in value.split(","))
    return [part for part in parts if part]


def parse_cseq(text: str) -> tuple[int, str]:
    """Read CSeq as number and method. Raises ``BadField``."""
    match = _CSEQ.fullmatch(text)
    if match is None or int(match[1]) > MAX_CSEQ:
        raise BadField("CSeq: not a number below 2**31 and a method")
    return int(match[1]), match[2]


def parse_via(text: str) -> Via:
    """Read the first element of a Via field. Raises ``BadField``."""
    first = next(split_list(text))
    head, _, tail = first.partition(";")
    try:
        via = sipmessage.Via.parse(head)
    except (ValueError, TypeError) as error:
        raise BadField("Via: not readable") from error
    if via.port is not None and not 0 < via.port < 65_536:
        raise BadField("Via: port out of range")
    parameters = parse_parameters(";" + tail, "Via") if tail.strip() else {}
    return Via(via.transport.upper(), via.host.lower(), via.port, parameters)


def uri_scheme(text: str) -> str:
    """Return the scheme of a URI in lower case, or an empty string."""
    match = _SCHEME.match(text)
    return match[0].lower() if match else ""


def parse_uri(text: str) -> sipmessage.URI:
    """Read a sip, sips or tel URI. Raises ``BadField``; other schemes are refused too."""
    scheme = uri_scheme(text)
    if len(text) > MAX_FIELD_CHARS or scheme not in ("sip", "sips", "tel"):
        raise BadField("URI: scheme not known")
    try:
        uri = sipmessage.URI.parse(scheme + text[len(scheme) :])
    except (ValueError, TypeError) as error:
        raise BadField("URI: not readable") from error
    if uri.port is not None and not 0 < uri.port < 65_536:
        raise BadField("URI: port out of range")
    return uri


def uri_user(text: str) -> str:
    """Return the user part of a URI with escapes resolved, or an empty string."""
    try:
        return clean(parse_uri(text).user or "")
    except BadField:
        return ""


def check_line(what: str, *texts: str) -> None:
    """Refuse what would end the header that it stands in. Raises ``BadField``."""
    if any(char in text for text in texts for char in "\r\n\0"):
        raise BadField(f"{what}: line break or NUL in a header")


def clean(text: str) -> str:
    """Make text from the wire safe to store: no surrogates, no control characters."""
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(char if char.isprintable() else "\ufffd" for char in text)
