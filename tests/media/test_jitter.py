"""The jitter buffer against a seeded network: what is delivered, how late, and how it recovers."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest

from cordboard.media.codec import G722_WIDE, L16_16K, PCMA, PCMU, Codec
from cordboard.media.jitter import FrameKind, JitterBuffer
from cordboard.media.rtp import Packet
from tests.counts import count
from tests.media.network import Network, Outcome, numbered, play


def packet(sequence: int, timestamp: int, payload: bytes, ssrc: int = 7, kind: int = 0) -> Packet:
    """Return a packet of the stream."""
    return Packet(kind, False, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc, payload)


def pulled(buffer: JitterBuffer, ticks: int) -> list[bytes]:
    """Pull that often and return the payloads of the voice frames."""
    frames = [buffer.pull() for _ in range(ticks)]
    return [frame.payload for frame in frames if frame.kind is FrameKind.VOICE]


def assert_in_order(outcome: Outcome) -> None:
    """Every number is played once and in order."""
    numbers = [number for _, number in outcome.voice()]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("seed", range(count(5, 100)))
def test_one_percent_loss_and_30_ms_jitter(seed: int) -> None:
    """R30: at least 99 % is delivered or concealed with at most 60 ms of added delay."""
    outcome, buffer = play(Network(loss=0.01, jitter_ms=30), 60, seed)
    frames = [frame for _, frame in outcome.frames]
    made = sum(frame.kind is not FrameKind.SILENT for frame in frames)
    assert made >= 0.99 * len(frames)
    assert len(outcome.voice()) >= len(outcome.sent_ms) - outcome.dropped - 15
    assert max(outcome.delays_ms()[500:]) <= 60
    assert buffer.counts.late <= 3
    assert_in_order(outcome)


def test_without_the_time_of_the_ticks_it_is_more_careful() -> None:
    """A puller that does not tell the time gets all sound with up to a frame more of delay."""
    outcome, buffer = play(Network(jitter_ms=30), 60, 1, tells_time=False)
    assert len(outcome.voice()) >= len(outcome.sent_ms) - 4
    assert max(outcome.delays_ms()[500:]) <= 80
    assert buffer.counts.late == 0


@pytest.mark.parametrize("lateness_ms", [3, 8])
def test_a_late_clock_does_not_cost_frames(lateness_ms: int) -> None:
    """On a clean line the delay keeps some milliseconds for a media clock that runs late."""
    buffer = JitterBuffer({0: PCMU})
    for number in range(3000):
        jitter = lateness_ms if number > 1500 and number % 7 == 0 else 0
        buffer.put(packet(number, number * 160, numbered(number)), number * 20 + 19 - 10)
        buffer.pull(number * 20 + 19 + jitter)
    assert buffer.counts.lost == 0
    assert buffer.delay_ms <= 40


@pytest.mark.parametrize("seed", range(count(5, 100)))
def test_five_percent_loss_and_60_ms_jitter(seed: int) -> None:
    """R30: no stall is longer than 200 ms, and the delay stays within its bound."""
    outcome, _ = play(Network(loss=0.05, jitter_ms=60), 60, seed)
    assert outcome.longest_stall_ms() <= 200
    assert max(outcome.delays_ms()) <= 160
    assert_in_order(outcome)


@pytest.mark.parametrize("holds", [False, True])
def test_a_freeze_of_two_seconds_heals(holds: bool) -> None:
    """R30: after a 2 s freeze sound is whole again within 500 ms, with its former delay later."""
    network = Network(frozen_ms=(20_000, 22_000), freeze_holds=holds)
    outcome, _ = play(network, 60, 1)
    assert outcome.longest_stall_ms(after_ms=22_500) == 0
    assert outcome.delays_ms()[-1] <= 40
    assert_in_order(outcome)


def test_three_seconds_of_heavy_loss_heal() -> None:
    """R30: after 3 s of 20 % loss all is normal within 500 ms."""
    random = Random(5)
    buffer = JitterBuffer({0: PCMU})
    missing_late = 0
    for number in range(400):
        if not (100 <= number < 250 and random.random() < 0.2):
            buffer.put(packet(number, number * 160, numbered(number)), number * 20)
        if buffer.pull().kind is not FrameKind.VOICE and number >= 275:
            missing_late += 1
    assert missing_late == 0


@pytest.mark.parametrize("drift", [-5e-4, -1e-4, 1e-4, 5e-4])
def test_clock_drift_is_followed(drift: float) -> None:
    """R30: after ten minutes of drift the delay is the same within 20 ms, never off by 30."""
    outcome, buffer = play(Network(drift=drift), 600, 1)
    delays = outcome.delays_ms()[750:]
    assert abs(delays[-1] - delays[0]) <= 20
    assert max(delays) - min(delays) <= 30
    assert buffer.counts.voice >= 0.999 * len(outcome.sent_ms) - abs(drift) * 30_000
    assert_in_order(outcome)


def test_sequence_and_timestamp_wrap() -> None:
    """Wrapping numbers lose nothing."""
    network = Network(first_sequence=65_500, first_timestamp=2**32 - 8000)
    outcome, buffer = play(network, 20)
    assert len(outcome.voice()) >= len(outcome.sent_ms) - 4
    assert buffer.counts.lost == 0


def test_duplicates_are_played_once() -> None:
    """A packet that comes twice is heard once."""
    outcome, buffer = play(Network(duplicates=0.3, jitter_ms=30), 30)
    assert_in_order(outcome)
    assert buffer.counts.duplicate > 300
    assert buffer.counts.lost == 0


def test_pauses_keep_the_timeline() -> None:
    """DTX: what is said after a pause keeps its distance in time; the pause turns silent."""
    outcome, buffer = play(Network(jitter_ms=20), 60, talks=lambda number: number % 200 < 120)
    delays = outcome.delays_ms()[300:]
    assert max(delays) - min(delays) <= 20.5
    assert buffer.counts.lost <= 10 * 15
    assert len(outcome.voice()) >= len(outcome.sent_ms) - 4


@pytest.mark.parametrize("ptime_ms", [10, 20, 30, 40, 60])
@pytest.mark.parametrize("codec", [PCMU, PCMA, G722_WIDE, L16_16K])
def test_any_packet_time_is_cut_to_frames(ptime_ms: int, codec: Codec) -> None:
    """Packets of 10 to 60 ms come out as the same bytes in frames of 20 ms."""
    sound = bytes(Random(3).randbytes(codec.size_bytes(12_000)))
    size, units = codec.size_bytes(ptime_ms), codec.rtp_clock_hz * ptime_ms // 1000
    buffer = JitterBuffer({0: codec})
    heard: list[bytes] = []
    sent = 0
    for now_ms in range(0, 12_000, 10):
        if now_ms % ptime_ms == 0:
            part = sound[sent * size : (sent + 1) * size]
            buffer.put(packet(sent, sent * units, part), now_ms)
            sent += 1
        if now_ms % 20 == 0:
            heard += pulled(buffer, 1)
    heard += pulled(buffer, 12)
    assert {len(frame) for frame in heard} == {codec.frame_bytes}
    assert buffer.counts.lost <= 12
    found = sum(frame in sound for frame in heard)
    assert found >= len(heard) - 4
    assert len(heard) >= 595


def test_a_new_ssrc_and_payload_type_are_followed() -> None:
    """Two packets in a row of a new source are believed; one stray packet changes nothing."""
    buffer = JitterBuffer({0: PCMU, 8: PCMA})
    for number in range(50):
        buffer.put(packet(number, number * 160, numbered(number)), number * 20)
        buffer.pull()
    buffer.put(packet(999, 5_000_000, numbered(9999), ssrc=66), 1000)
    assert numbered(9999) not in pulled(buffer, 6)
    heard = []
    for number in range(50):
        at = packet(40 + number, 777 + number * 160, numbered(5000 + number), ssrc=8, kind=8)
        buffer.put(at, 1200 + number * 20)
        frame = buffer.pull()
        if frame.kind is FrameKind.VOICE:
            heard.append(frame.payload)
            assert frame.payload_type == 8
    assert len(heard) >= 46
    assert heard == [numbered(5000 + number) for number in range(len(heard))]


def test_a_payload_type_change_within_the_stream() -> None:
    """A re-INVITE may change the encoding without a gap in the timeline."""
    buffer = JitterBuffer({0: PCMU, 8: PCMA})
    kinds = []
    for number in range(60):
        kind = 0 if number < 30 else 8
        buffer.put(packet(number, number * 160, numbered(number), kind=kind), number * 20)
        frame = buffer.pull()
        if frame.kind is FrameKind.VOICE:
            kinds.append(frame.payload_type)
    assert kinds == [0] * 30 + [8] * (len(kinds) - 30)
    assert len(kinds) >= 57


@pytest.mark.parametrize("leap", [-50_000_000, -16_000, 16_000, 50_000_000])
def test_restarted_timestamps_are_followed(leap: int) -> None:
    """A sender that leaps in time, without a pause, is heard again within 200 ms."""
    buffer = JitterBuffer({0: PCMU})
    quiet = longest = 0
    for number in range(200):
        shift = leap if number >= 100 else 0
        buffer.put(packet(number, number * 160 + shift, numbered(number)), number * 20)
        heard = buffer.pull().kind is FrameKind.VOICE
        quiet = 0 if heard else quiet + 1
        longest = max(longest, quiet) if number > 5 else 0
    assert longest * 20 <= 200
    assert quiet == 0


def test_frames_are_left_out_in_pauses() -> None:
    """The delay is cut where it is not heard: all of the speech is played, silence is not."""
    buffer = JitterBuffer({0: PCMU})
    heard = []
    for number in range(300):
        payload = PCMU.silence_frame if number % 60 < 15 else numbered(number)
        buffer.put(packet(number, number * 160, payload), number * 20)
        frame = buffer.pull(number * 20 + 15)
        if frame.kind is FrameKind.VOICE and frame.payload != PCMU.silence_frame:
            heard.append(int.from_bytes(frame.payload[:8], "big"))
    assert buffer.counts.skipped >= 2
    assert heard == [n for n in range(heard[-1] + 1) if n % 60 >= 15]


def test_our_own_stall_does_not_become_delay() -> None:
    """When nobody pulls for 2 s, the old sound is left behind, not played late."""
    buffer = JitterBuffer({0: PCMU})
    delays = []
    for number in range(400):
        buffer.put(packet(number, number * 160, numbered(number)), number * 20)
        if not 100 <= number < 200:
            frame = buffer.pull()
            if frame.kind is FrameKind.VOICE and number > 225:
                delays.append(number - int.from_bytes(frame.payload[:8], "big"))
    assert max(delays) * 20 <= 120
    assert buffer.delay_ms <= 140


def test_unknown_types_and_empty_payloads_are_ignored() -> None:
    """Only negotiated payload types are played; others are counted."""
    buffer = JitterBuffer({0: PCMU})
    buffer.put(packet(1, 0, b"x" * 160, kind=101), 0)
    buffer.put(packet(2, 0, b""), 0)
    assert buffer.pull().kind is FrameKind.SILENT
    assert buffer.counts.unknown_type == 1


def test_comfort_noise_announces_silence() -> None:
    """After a comfort noise packet a gap is silence, not loss."""
    buffer = JitterBuffer({0: PCMU})
    for number in range(10):
        buffer.put(packet(number, number * 160, numbered(number)), number * 20)
        buffer.pull()
    buffer.put(packet(10, 1600, b"\x40", kind=13), 200)
    pulled(buffer, 2)
    assert [buffer.pull().kind for _ in range(5)] == [FrameKind.SILENT] * 5


@pytest.mark.parametrize("seed", range(count(20, 2000)))
def test_chaos_never_breaks_the_frame_rule(seed: int) -> None:
    """Whatever packets come, each tick yields a whole voice frame or an empty one, in bounds."""
    random = Random(seed)
    buffer = JitterBuffer({0: PCMU, 9: G722_WIDE, 8: L16_16K})
    sequence = timestamp = 0
    for tick in range(500):
        for _ in range(random.choice((0, 1, 1, 1, 2, 30))):
            sequence += random.choice((1, 1, 1, 0, -1, 5, 30_000))
            timestamp += random.choice((160, 160, 80, 0, -160, 37, 50_000, 1 << 31))
            sizes: Sequence[int] = (160, 160, 80, 240, 1, 13, 640, 1400)
            payload = random.randbytes(random.choice(sizes))
            ssrc, kind = random.choice((7, 7, 7, 8)), random.choice((0, 0, 0, 8, 9, 13, 101))
            buffer.put(packet(sequence, timestamp, payload, ssrc, kind), tick * 20)
        frame = buffer.pull()
        if frame.kind is FrameKind.VOICE:
            assert len(frame.payload) in {160, 640}
        else:
            assert frame.payload == b""
        assert buffer.delay_ms < 1500
