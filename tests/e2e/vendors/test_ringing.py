"""Vendors are ready before the call is answered, and their sound is nobody's to convert."""

from __future__ import annotations

from cordboard.media.codec import PCMU
from tests.e2e.vendors.house import GREETING, REPLY, Caller, House
from tests.fakes.speech import sound_of


async def test_streams_open_while_it_rings() -> None:
    """Transcriber, voice and a connection to the model are there when the phone is picked up."""
    house, caller = House(greeting=None), Caller(patience_s=3.0)
    async with house.open():
        house.store.create_delay_s = 0.5  # it rings as long as the row takes
        opened: list[tuple[int, int, int]] = []
        caller.at_answer = lambda: opened.append(
            (house.listen.open_count, house.speech.open_count, len(house.chat.connections))
        )
        await house.call(caller)
    assert opened == [(1, 1, 1)]
    assert house.reports == []
    assert len(house.chat.connections) == 1  # the reply went over it
    assert len(house.chat.requests) == 1


async def test_mu_law_from_end_to_end() -> None:
    """The caller's bytes reach the transcriber, and the voice's the caller, as they are."""
    house, caller = House(), Caller(patience_s=4.0)
    async with house.open():
        await house.call(caller)
    query = dict(house.listen.queries[0])
    assert (query["encoding"], query["sample_rate"]) == ("mulaw", "8000")
    assert {asked["output_format"] for asked in house.speech.queries} == {"ulaw_8000"}
    said = bytes(house.listen.sound).strip(PCMU.silence_frame[:1])
    assert said == caller.spoken
    heard = bytes(caller.far.heard)
    for clause in (GREETING, "Of course,", "for two.", "See you then."):
        assert sound_of(clause, "ulaw_8000") in heard
    assert "".join(caller.words().split()) == "".join((GREETING + REPLY).split())


async def test_a_clause_leaves_at_its_punctuation() -> None:
    """What is to be said is asked for clause by clause, while the model still writes."""
    house, caller = House(), Caller(patience_s=4.0)
    async with house.open():
        await house.call(caller)
    texts = [message["text"].strip() for message in house.speech.messages]
    assert [text for text in texts if text] == [GREETING, "Of course,", "for two.", "See you then."]


async def test_a_model_asked_early_answers_earlier() -> None:
    """With the model asked on stable words its 400 ms pass while the turn is being confirmed."""
    delays_ms = []
    for thinks_ahead in (False, True):
        house, caller = House(thinks_ahead=thinks_ahead), Caller(patience_s=3.0)
        house.chat.first_ms = 400
        async with house.open():
            await house.call(caller)
        assert len(house.chat.requests) == 1
        delays_ms.append(caller.silent_ms(caller.stopped_ms[0]))
    plain_ms, ahead_ms = delays_ms
    assert ahead_ms <= plain_ms - 250
