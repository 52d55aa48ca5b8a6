"""Dialogs: route sets, numbers, targets and their persisted form."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.sip.dialog import CSEQ_BLOCK_COUNT, Dialog, dialog_of_request
from cordboard.sip.fields import BadField
from cordboard.sip.message import Request, parse_datagram

TEXT = st.text(st.characters(codec="ascii", min_codepoint=32, max_codepoint=126), max_size=20)


def dialog(**changes: object) -> Dialog:
    """Return a dialog, changed."""
    values: dict[str, object] = {
        "call_id": "c", "local_tag": "l", "remote_tag": "r", "local_address": "<sip:us@h>",
        "remote_address": "<sip:them@h>", "remote_target": "sip:them@192.0.2.1:5070",
        "peer": ("192.0.2.1", 5062),
    }  # fmt: skip
    return Dialog(**(values | changes))  # type: ignore[arg-type]


def test_callee_takes_routes_in_order() -> None:
    """Record-Route of the INVITE is the callee's route set as it is (RFC 3261 12.1.1)."""
    message = parse_datagram(
        b"INVITE sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
        b"From: <sip:a@h>;x=1;tag=f\r\nTo: <sip:b@h>\r\nCall-ID: c\r\nCSeq: 3 INVITE\r\n"
        b"Record-Route: <sip:p1;lr>, <sip:p2;lr>\r\nRecord-Route: <sip:p3;lr>\r\n"
        b"Contact: <sip:a@192.0.2.1:5070>\r\n\r\n",
        ("192.0.2.1", 5062),
    )
    assert isinstance(message, Request)
    made = dialog_of_request(message, "ours", 1)
    assert made.route_set == ("<sip:p1;lr>", "<sip:p2;lr>", "<sip:p3;lr>")
    assert made.id == ("c", "ours", "f")
    made.next_cseq()
    uri, headers = made.request_headers("BYE")
    assert uri == "sip:a@192.0.2.1:5070"
    assert headers.every("route") == ["<sip:p1;lr>", "<sip:p2;lr>", "<sip:p3;lr>"]
    assert headers.get("from") == "<sip:b@h>;tag=ours"
    assert headers.get("to") == "<sip:a@h>;x=1;tag=f"
    assert headers.get("cseq") == "1 BYE"


def test_strict_router_takes_the_request_uri() -> None:
    """A first route without lr goes into the Request-URI (RFC 3261 12.2.1.1)."""
    uri, headers = dialog(route_set=("<sip:p1>", "<sip:p2;lr>")).request_headers("BYE")
    assert uri == "sip:p1"
    assert headers.every("route") == ["<sip:p2;lr>", "<sip:them@192.0.2.1:5070>"]


@pytest.mark.parametrize(
    ("target", "routes", "hop"),
    [
        ("sip:x@192.0.2.1:5070", (), ("192.0.2.1", 5070)),
        ("sip:x@192.0.2.1", (), ("192.0.2.1", 5060)),
        ("sip:x@10.0.0.8:5070", (), ("192.0.2.1", 5062)),
        ("sip:x@169.254.169.254", (), ("192.0.2.1", 5062)),
        ("sip:x@192.0.2.1:5070", ("<sip:192.0.2.1:5099;lr>",), ("192.0.2.1", 5099)),
        ("sip:x@192.0.2.1:5070", ("<sip:proxy.example;lr>",), ("192.0.2.1", 5062)),
        ("nonsense", (), ("192.0.2.1", 5062)),
        ("sip:x@192.0.2.1:99999", (), ("192.0.2.1", 5062)),
    ],
)
def test_next_hop_stays_at_the_peer(
    target: str, routes: tuple[str, ...], hop: tuple[str, int]
) -> None:
    """Requests go to the peer's host, whatever its messages name."""
    assert dialog(remote_target=target, route_set=routes).next_hop() == hop


def test_numbers_must_rise() -> None:
    """A peer's number counts only if it is higher than the last."""
    ours = dialog()
    assert [ours.accepts_cseq(number) for number in (5, 5, 4, 7)] == [True, False, False, True]


def test_a_block_of_numbers() -> None:
    """Only the first number of a new block asks for the dialog to be stored."""
    ours = dialog()
    asks = [ours.next_cseq() for _ in range(2 * CSEQ_BLOCK_COUNT + 1)]
    assert [number + 1 for number, ask in enumerate(asks) if ask] == [101, 201]


@given(
    TEXT, TEXT, TEXT, st.lists(TEXT, max_size=3).map(tuple),
    st.integers(0, 2**31 - 1), st.none() | st.integers(0, 2**31 - 1),
)  # fmt: skip
def test_persisted_form(
    call_id: str, local: str, target: str, routes: tuple[str, ...], used: int, remote: int | None
) -> None:
    """The record survives JSON, and the restored dialog's numbers are above all before."""
    ours = dialog(
        call_id=call_id, local_address=local, remote_target=target, route_set=routes,
        local_cseq=used, reserved_cseq=used + 7, remote_cseq=remote,
    )  # fmt: skip
    again = Dialog.from_dict(json.loads(json.dumps(ours.to_dict())))
    assert (again.id, again.route_set, again.peer) == (ours.id, routes, ours.peer)
    assert (again.remote_target, again.remote_cseq) == (target, remote)
    again.next_cseq()
    assert again.local_cseq > ours.reserved_cseq


def test_record_of_a_hostile_peer_can_be_stored() -> None:
    """Bytes that are no UTF-8 and control characters do not reach the store."""
    ours = dialog(remote_address='"\udcff\x00" <sip:a@h>', route_set=("<sip:\udcfe>",))
    text = json.dumps(ours.to_dict(), ensure_ascii=False)
    assert b"\x00" not in text.encode()


@pytest.mark.parametrize("change", [{"reserved_cseq": "x"}, {"peer_port": "x"}, {"route_set": "x"}])
def test_broken_record(change: dict[str, str | int | list[str]]) -> None:
    """A record that is not ours is refused with one error."""
    with pytest.raises(BadField):
        Dialog.from_dict(dialog().to_dict() | change)
    with pytest.raises(BadField):
        Dialog.from_dict({})
