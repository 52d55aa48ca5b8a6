"""Links to recordings that need no key: signed, and good for a quarter of an hour at most.

A link is bound to the organisation, the call, the method and the moment it ends. Whatever is wrong
with one, the answer is the same as to a call that does not exist.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from cordboard.control.services import ControlServices

SECONDS_MAX: Final = 900
METHOD: Final = "GET"
PATH: Final = "/x/v1/recordings/"

_PURPOSE: Final = b"recording-links"
_MOMENT: Final = re.compile(r"[1-9][0-9]{0,11}")


@dataclass(frozen=True, slots=True)
class Link:
    """What a link says: whose recording, of which call, until when (seconds of the epoch)."""

    organisation_id: str
    call_id: str
    until: str

    def path(self, signature: str) -> str:
        """Return the only path and query that the link is taken in."""
        facts = {"organization": self.organisation_id, "until": self.until, "signature": signature}
        return f"{PATH}{self.call_id}?{urlencode(facts)}"

    def signature(self, key_secret: bytes) -> str:
        """Return what only this server can add."""
        key = hmac.new(key_secret, _PURPOSE, hashlib.sha256).digest()
        facts = json.dumps([METHOD, self.organisation_id, self.call_id, self.until]).encode()
        return hmac.new(key, facts, hashlib.sha256).hexdigest()


def link_path(
    services: ControlServices, organisation_id: str, call_id: str, seconds: int
) -> tuple[str, datetime]:
    """Return the path and query of a link, and when it ends."""
    ends = services.clock.wall() + timedelta(seconds=min(seconds, SECONDS_MAX))
    link = Link(organisation_id, call_id, str(int(ends.timestamp())))
    moment = datetime.fromtimestamp(int(link.until), UTC)
    return link.path(link.signature(services.key_secret)), moment


def opens(services: ControlServices, link: Link, signature: str) -> bool:
    """Tell whether a link is ours, unchanged, and still good."""
    given = signature.encode("utf-8", "surrogatepass")
    if not hmac.compare_digest(link.signature(services.key_secret).encode(), given):
        return False
    if not _MOMENT.fullmatch(link.until):
        return False
    return services.clock.wall().timestamp() <= int(link.until)
