"""Random numbers and identifiers."""

from __future__ import annotations

from uuid import UUID

import pytest

from cordboard.ids import Randomness


def _draws(randomness: Randomness) -> list[object]:
    return [
        randomness.uuid(),
        randomness.token(),
        randomness.random_bytes(8),
        randomness.bits(32),
        randomness.random(),
        randomness.uniform(1, 2),
        randomness.integer(1, 6),
        randomness.choice("abc"),
        randomness.shuffled("abcdef"),
    ]


def test_a_seed_repeats_itself() -> None:
    """The same seed gives the same draws, another seed other ones."""
    assert _draws(Randomness.seeded(7)) == _draws(Randomness.seeded(7))
    assert _draws(Randomness.seeded(7)) != _draws(Randomness.seeded(8))


def test_the_system_source_never_repeats() -> None:
    """Two identifiers of the operating system's source differ."""
    assert Randomness.system().uuid() != Randomness.system().uuid()
    assert Randomness.system().fork("x").token() != Randomness.system().fork("x").token()


def test_forks_are_independent() -> None:
    """A fork does not change with what its parent has drawn, nor equal another fork."""
    parent = Randomness.seeded(1)
    first = parent.fork("carrier").token()
    parent.token()
    assert parent.fork("carrier").token() == first
    assert parent.fork("caller").token() != first


def test_uuid_is_version_4() -> None:
    """Identifiers are RFC 9562 version 4, also seeded ones."""
    assert UUID(Randomness.seeded(1).uuid()).version == 4


@pytest.mark.parametrize(("bits", "length"), [(1, 2), (8, 2), (9, 4), (128, 32)])
def test_a_token_has_enough_bits(bits: int, length: int) -> None:
    """Tokens are hexadecimal, rounded up to whole bytes."""
    token = Randomness.seeded(1).token(bits)
    assert len(token) == length
    assert bytes.fromhex(token)


def test_a_token_without_bits_is_refused() -> None:
    """A token of no bits would be the same for everybody."""
    with pytest.raises(ValueError, match="at least one bit"):
        Randomness.seeded(1).token(0)
