"""What Twilio asks over HTTP: signed or nothing, the same answer twice, the way back."""

from __future__ import annotations

import asyncio
import random
from urllib.parse import parse_qsl, urlencode
from xml.etree.ElementTree import Element, fromstring

import pytest
from twilio.request_validator import RequestValidator

from cordboard.call.events import LegEndedBy
from cordboard.clock import SystemClock
from cordboard.ids import Randomness
from cordboard.telephony.twilio.leg import LegParts, TwilioLeg
from cordboard.telephony.twilio.sockets import MediaSockets
from cordboard.telephony.twilio.twiml import DialPlan
from cordboard.telephony.twilio.webhooks import (
    Offer,
    Question,
    Reply,
    Webhooks,
    picked_up_by_human,
)
from cordboard.telephony.twilio.wire import Start, StartDetails
from tests.counts import count
from tests.telephony.twilio.door import CALL_SID, PUBLIC_URL, TOKEN, Control, Ears, HandClock
from tests.telephony.twilio.test_leg import Wire

URL = "https://voice.example.com"
OFFER = {
    "CallSid": CALL_SID,
    "AccountSid": "AC" + "0" * 32,
    "From": "+12025550100",
    "To": "+12025550101",
    "CallStatus": "ringing",
    "CallerName": "Zoë & Söhne",
}


class Rig:
    """Webhooks and the calls that were offered."""

    def __init__(self) -> None:
        self.offers: list[Offer] = []
        self.legs: list[TwilioLeg] = []
        self.ears = Ears()
        self.refusal: int | None = None
        self.clock = HandClock()
        sockets = MediaSockets(PUBLIC_URL, SystemClock(), Randomness.seeded(1))
        self.webhooks = Webhooks(URL, sockets)

    def accept(self, offer: Offer) -> TwilioLeg | int:
        self.offers.append(offer)
        return self.refusal if self.refusal is not None else self.leg(offer.call_sid)

    def leg(self, call_sid: str) -> TwilioLeg:
        parts = LegParts(self.clock, self.clock, Control())
        leg = TwilioLeg(f"leg{len(self.legs) + 1}", call_sid, parts, answer_wait_ms=50)
        leg.start(self.ears)
        self.legs.append(leg)
        return leg

    async def offer(self, decide: bool = True) -> Reply:
        """Offer a call that the engine answers, as far as ``decide`` has it."""
        asking = asyncio.gather(
            self.webhooks.offered(ask("/twilio/voice/7"), TOKEN, self.accept), self._decide(decide)
        )
        reply, _ = await asking
        return reply

    async def _decide(self, decide: bool) -> None:
        await asyncio.sleep(0.01)
        if decide and self.legs:
            self.legs[-1].progress.decide(0)


def ask(path: str, form: dict[str, str] = OFFER, signature: str | None = None) -> Question:
    """Return a request, signed by the vendor's own library."""
    if signature is None:
        signature = RequestValidator(TOKEN).compute_signature(URL + path, form)
    return Question(path, urlencode(form).encode(), signature)


def parsed(reply: Reply) -> Element:
    """Return the document of a reply."""
    assert reply.status == 200
    return fromstring(reply.document)  # noqa: S314


def verbs(reply: Reply) -> list[str]:
    """Return what a document orders."""
    return [element.tag for element in parsed(reply)]


async def test_an_offered_call_gets_a_stream() -> None:
    """An unguessable address, and the way back behind it."""
    rig = Rig()
    reply = await rig.offer()
    assert verbs(reply) == ["Connect", "Redirect"]
    stream_url = parsed(reply)[0][0].attrib["url"]
    assert stream_url.startswith(f"{PUBLIC_URL}/twilio/media/")
    assert len(stream_url.rpartition("/")[2]) == 64
    assert parsed(reply)[1].text == f"{URL}/twilio/resume/leg1"
    assert rig.offers == [Offer(CALL_SID, "AC" + "0" * 32, "+12025550100", "+12025550101")]


async def test_an_offer_that_comes_again() -> None:
    """It is the same call: no second leg."""
    rig = Rig()
    await rig.offer()
    assert verbs(await rig.offer()) == ["Connect", "Redirect"]
    assert len(rig.legs) == 1


@pytest.mark.parametrize(("status", "reason"), [(404, "rejected"), (503, "busy"), (486, "busy")])
async def test_refusals(status: int, reason: str) -> None:
    """Full or unknown: refused without an answer, so that it costs nothing."""
    rig = Rig()
    rig.refusal = status
    reply = await rig.webhooks.offered(ask("/twilio/voice/7"), TOKEN, rig.accept)
    assert parsed(reply)[0].attrib == {"reason": reason}


async def test_the_engine_refuses() -> None:
    """Its status goes the same way."""
    rig = Rig()

    async def refuse() -> None:
        await asyncio.sleep(0.01)
        await rig.legs[0].refuse(486)

    reply, _ = await asyncio.gather(
        rig.webhooks.offered(ask("/twilio/voice/7"), TOKEN, rig.accept), refuse()
    )
    assert parsed(reply)[0].attrib == {"reason": "busy"}


async def test_the_way_back() -> None:
    """While the call goes on with us it gets another stream; once it is over it is hung up."""
    rig = Rig()
    await rig.offer()
    first = rig.webhooks.resumed(ask("/twilio/resume/leg1"))
    second = rig.webhooks.resumed(ask("/twilio/resume/leg1"))
    assert verbs(first) == ["Connect", "Redirect"]
    assert first.document != second.document
    await rig.legs[0].end()
    assert verbs(rig.webhooks.resumed(ask("/twilio/resume/leg1"))) == ["Hangup"]


@pytest.mark.parametrize(
    ("dialled", "expected"),
    [
        ("completed", ["Hangup"]),
        ("busy", ["Connect", "Redirect"]),
        ("no-answer", ["Connect", "Redirect"]),
        ("failed", ["Connect", "Redirect"]),
    ],
)
async def test_after_a_transfer(dialled: str, expected: list[str]) -> None:
    """Who was reached there is done with us; who was not comes back to the agent."""
    rig = Rig()
    await rig.offer()
    leg = rig.legs[0]
    leg.attach(Wire(), Start(StartDetails("MZ1", CALL_SID)))
    await leg.transfer(DialPlan(number="+12025550102", caller_id="+12025550101"))
    reply = rig.webhooks.resumed(ask("/twilio/resume/leg1", {**OFFER, "DialCallStatus": dialled}))
    assert verbs(reply) == expected
    ended = [(LegEndedBy.FAR_END, "transferred")] if dialled == "completed" else []
    assert rig.ears.endings == ended
    outcome = await asyncio.wait_for(leg.progress.transferred(), 1)
    assert outcome == ("answered" if dialled == "completed" else dialled)


TARGET = {"CallSid": "CA" + "2" * 32, "ParentCallSid": CALL_SID}


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        (["in-progress", "completed"], "answered"),
        (["completed"], "answered"),
        (["initiated", "ringing", "busy"], "busy"),
        (["no-answer", "in-progress"], "no-answer"),
        (["failed"], "failed"),
    ],
)
async def test_the_target_of_a_transfer(statuses: list[str], outcome: str) -> None:
    """How the target took it is told of its own leg, by its parent; the first outcome stands."""
    rig = Rig()
    await rig.offer()
    leg = rig.legs[0]
    leg.attach(Wire(), Start(StartDetails("MZ1", CALL_SID)))
    path = rig.webhooks.dialled_url(leg).removeprefix(URL)
    early = rig.webhooks.dialled(ask(path, {**TARGET, "CallStatus": "in-progress"}))
    await leg.transfer(DialPlan(number="+12025550102", caller_id="+12025550101"))
    assert (early, leg.progress.target_told.is_set()) == (Reply(204), False)
    for stranger in ({"CallSid": CALL_SID}, {**TARGET, "ParentCallSid": "CA" + "3" * 32}):
        reply = rig.webhooks.dialled(ask(path, {**stranger, "CallStatus": "busy"}))
        assert reply == Reply(403)
    for status in statuses:
        assert rig.webhooks.dialled(ask(path, {**TARGET, "CallStatus": status})) == Reply(204)
    assert await asyncio.wait_for(leg.progress.transferred(), 1) == outcome
    assert rig.ears.endings == []


async def test_the_caller_goes_while_the_target_rings() -> None:
    """Then nobody is transferred, and the call is over as the caller's."""
    rig = Rig()
    await rig.offer()
    leg = rig.legs[0]
    leg.attach(Wire(), Start(StartDetails("MZ1", CALL_SID)))
    await leg.transfer(DialPlan(number="+12025550102", caller_id="+12025550101"))
    gone = {**OFFER, "CallStatus": "completed", "DialCallStatus": "canceled"}
    assert verbs(rig.webhooks.resumed(ask("/twilio/resume/leg1", gone))) == ["Hangup"]
    assert rig.ears.endings == [(LegEndedBy.FAR_END, "hang-up")]
    assert await asyncio.wait_for(leg.progress.transferred(), 1) == "canceled"


async def test_a_call_of_ours() -> None:
    """Its status callback brings the identifier, even where the API's answer was lost, and every
    outcome once.
    """
    rig = Rig()
    leg = rig.leg("")
    rig.webhooks.add(leg, TOKEN)
    assert rig.webhooks.status_url(leg) == f"{URL}/twilio/status/leg1"
    ringing = ask("/twilio/status/leg1", {"CallSid": CALL_SID, "CallStatus": "ringing"})
    assert rig.webhooks.status(ringing) == Reply(204)
    assert leg.progress.call_sid == CALL_SID
    busy = ask("/twilio/status/leg1", {"CallSid": CALL_SID, "CallStatus": "busy"})
    for _ in range(3):
        assert rig.webhooks.status(busy) == Reply(204)
    assert rig.ears.endings == [(LegEndedBy.FAR_END, "busy")]
    rig.webhooks.remove("leg1")
    assert rig.webhooks.status(busy) == Reply(403)


async def test_nothing_unsigned_changes_anything() -> None:
    """Mutated requests of all kinds get an empty 403; no call is offered, none ends."""
    rig = Rig()
    await rig.offer()
    chance = random.Random(3)
    kinds = {
        "/twilio/voice/7": OFFER,
        "/twilio/resume/leg1": OFFER,
        "/twilio/status/leg1": {"CallSid": CALL_SID, "CallStatus": "completed"},
        "/twilio/dialled/leg1": {**TARGET, "CallStatus": "in-progress"},
    }
    for _ in range(count(300, 5_000)):
        path, form = chance.choice(list(kinds.items()))
        question = _mutated(ask(path, form), chance)
        match path.split("/")[2]:
            case "voice":
                reply = await rig.webhooks.offered(question, TOKEN, rig.accept)
            case "resume":
                reply = rig.webhooks.resumed(question)
            case "dialled":
                reply = rig.webhooks.dialled(question)
            case _:
                reply = rig.webhooks.status(question)
        assert reply == Reply(403), question
    assert len(rig.offers) == 1
    assert rig.ears.endings == []


def _mutated(question: Question, chance: random.Random) -> Question:
    path, body, signature = question.path, bytearray(question.body), question.signature
    match chance.randint(0, 4):
        case 0:
            at = chance.randrange(len(body))
            body[at] = chance.choice([one for one in b"abcXYZ019&=%+" if one != body[at]])
            if _means_the_same(bytes(body), question.body):
                body += b"&x=1"
        case 1:
            path += chance.choice(["0", "?x=1", "/", "%20"])
        case 2:
            signature = RequestValidator("wrong").compute_signature(URL + path, {})
        case 3:
            signature = chance.choice(["", "A" * 28, signature[:-1], signature.lower()])
        case _:
            body += b"&CallStatus=failed"
    return Question(path, bytes(body), signature)


def _means_the_same(one: bytes, other: bytes) -> bool:
    return parse_qsl(one.decode(), keep_blank_values=True) == parse_qsl(
        other.decode(), keep_blank_values=True
    )


@pytest.mark.parametrize("body", [b"", b"a&b", b"\xff\xfe", b"a=1&" * 300, b"x=" + b"y" * 70_000])
async def test_forms_that_are_none(body: bytes) -> None:
    """Bytes that are no form, too many fields, too large: refused like an unsigned one."""
    rig = Rig()
    signature = RequestValidator(TOKEN).compute_signature(URL + "/twilio/voice/7", {"a": "b"})
    question = Question("/twilio/voice/7", body, signature)
    assert await rig.webhooks.offered(question, TOKEN, rig.accept) == Reply(403)


async def test_another_calls_signature_does_not_end_this_one() -> None:
    """A signed status of another call of the same account is not taken for ours."""
    rig = Rig()
    await rig.offer()
    other = {"CallSid": "CA" + "2" * 32, "CallStatus": "completed"}
    assert rig.webhooks.status(ask("/twilio/status/leg1", other)) == Reply(403)
    assert rig.ears.endings == []


async def test_another_account_does_not_get_this_ones_call() -> None:
    """Who names a call of somebody else's, under a signature of its own, gets no stream of it."""
    rig = Rig()
    await rig.offer()
    signature = RequestValidator("theirs").compute_signature(URL + "/twilio/voice/8", OFFER)
    rig.refusal = 404
    reply = await rig.webhooks.offered(
        ask("/twilio/voice/8", OFFER, signature), "theirs", rig.accept
    )
    assert verbs(reply) == ["Reject"]
    assert len(rig.offers) == 2


@pytest.mark.parametrize(
    ("body", "human"),
    [
        (b"AnsweredBy=human", True),
        (b"CallSid=CA1&AnsweredBy=machine_start", False),
        (b"AnsweredBy=machine_end_beep", False),
        (b"AnsweredBy=fax", False),
        (b"AnsweredBy=unknown", None),
        (b"CallStatus=ringing", None),
        (b"\xff=1", None),
        (b"a=1&" * 300, None),
    ],
)
def test_who_picked_up(body: bytes, human: bool | None) -> None:
    """A human, a machine or a fax is told by name; anything else says nothing."""
    assert picked_up_by_human(body) is human
