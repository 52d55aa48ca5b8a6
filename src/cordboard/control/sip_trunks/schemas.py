"""What a SIP trunk holds."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from cordboard.control.fields import Fields, NumberText

_TARGET: Final = re.compile(
    r"sips?:(?:[A-Za-z0-9_.!~*'()&=+$,;?/%-]{1,64}@)?"
    r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?(?:;[A-Za-z0-9_.=;-]{1,100})?"
)
_TOKEN: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,64}")
_PRINTABLE: Final = re.compile(r"[\x20-\x7e]{1,128}")


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text.strip(), strict=False))
    except ValueError:
        raise ValueError("must be a network such as 192.0.2.0/24 or an address") from None


def _target(text: str) -> str:
    if not _TARGET.fullmatch(text):
        raise ValueError("must be a SIP URI such as sip:host:5060")
    return text


def _token(text: str) -> str:
    if not _TOKEN.fullmatch(text):
        raise ValueError("must be 1 to 64 printable ASCII characters without blanks and quotes")
    return text


def _printable(text: str) -> str:
    if not _PRINTABLE.fullmatch(text):
        raise ValueError("must be 1 to 128 printable ASCII characters")
    return text


def _prefix(text: str) -> str:
    bare = text.strip().removeprefix("+")
    if not re.fullmatch(r"[0-9]{1,15}", bare):
        raise ValueError("must be 1 to 15 digits")
    return bare


Token = Annotated[str, AfterValidator(_token)]
Printable = Annotated[str, AfterValidator(_printable)]


class TrunkName(Fields):
    """How people call a trunk; unique within the organisation."""

    name: str = Field(min_length=1, max_length=100)


class TrunkFields(Fields):
    """A trunk's settings besides its name.

    Calls are taken from ``networks``, or from whoever proves to be ``user`` with ``password``;
    ``digest`` says how (``md5`` for telephones that know no better). Calls go to ``target``, as
    ``register_user`` where the peer asks who we are. ``allow_any`` lets any number be dialled, for
    a test bench; else ``dial_prefixes`` decide. With ``transfer`` as ``refer`` the peer is asked to
    hand callers over by itself (RFC 3515); where it does not, and else, it is done through us.
    ``caller_id`` is what may be shown to whom they are handed over: ``own`` numbers of the
    organisation, or any, in ``from`` or as the ``asserted`` identity (RFC 3325).
    ``pool`` are numbers of the trunk that ``/v1/numbers/buy`` may give out.
    """

    networks: list[Annotated[str, AfterValidator(_network)]] = Field(
        default_factory=list, max_length=100
    )
    user: Token | None = None
    password: Printable | None = None
    digest: Literal["sha-256", "md5"] = "sha-256"
    target: Annotated[str, AfterValidator(_target)] | None = None
    transport: Literal["udp", "tcp", "tls"] = "udp"
    register_at_peer: bool = Field(False, alias="register")
    realm: Printable | None = None
    register_user: Token | None = None
    register_password: Printable | None = None
    number_format: Literal["e164", "digits", "national"] = "e164"
    dial_prefixes: list[Annotated[NumberText, AfterValidator(_prefix)]] = Field(
        default_factory=list, max_length=300
    )
    allow_any: bool = False
    srtp: Literal["off", "offer", "require"] = "off"
    transfer: Literal["bridge", "refer"] = "bridge"
    caller_id: Literal["own", "from", "asserted"] = "own"
    pool: list[Annotated[NumberText, AfterValidator(_prefix)]] = Field(
        default_factory=list, max_length=1_000
    )


SECRETS: Final = (("password",), ("register_password",))
