"""The final answer that a process which died still owes to whoever it let ring."""

from __future__ import annotations

from cordboard.sip.core import Core, Leg, LegState
from cordboard.sip.dialog import DialogRecord
from cordboard.sip.fields import BadField, clean
from cordboard.sip.message import Headers, Response
from cordboard.sip.responses import phrase
from cordboard.sip.transaction import response_address

_FIELDS = ("From", "To", "Call-ID", "CSeq")
_STATUS = 503


def owed_answer(leg: Leg) -> list[str]:
    """Return what a later process needs to refuse an INVITE that has no final answer yet; empty
    where none is owed. The text can be stored anywhere.
    """
    if leg.state is not LegState.OFFERED or leg.invite is None:
        return []
    request = leg.invite.request
    host, port = response_address(request)
    fields = [request.headers.get(name) or "" for name in _FIELDS]
    fields[1] += f";tag={leg.dialog.local_tag}"
    return [clean(text) for text in (host, str(port), *fields, *request.headers.every("via"))]


def send_owed(core: Core, record: DialogRecord) -> bool:
    """Send the answer that a record says is owed, once; False where it says none.

    Whoever has had a final answer in the meantime ignores it (RFC 6026 7.2). Raises ``BadField``
    for a record that ``owed_answer`` did not make.
    """
    owed = record.get("owed")
    if not owed:
        return False
    least = 2 + len(_FIELDS) + 1
    if not isinstance(owed, list) or len(owed) < least or not str(owed[1]).isdecimal():
        raise BadField("dialog record: owed answer")
    host, port, *values = (clean(str(text)) for text in owed)
    headers = Headers(("Via", via) for via in values[len(_FIELDS) :])
    for name, value in zip(_FIELDS, values, strict=False):
        headers.add(name, value)
    headers.add("Retry-After", "5")
    response = Response(_STATUS, phrase(_STATUS), headers, b"")
    core.transactions.send(response.encode(), (host, int(port)))
    return True
