"""Secrets at rest: what a stolen or shuffled database shows, and which keys may start."""

from __future__ import annotations

import base64
import dataclasses
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.storage.vault import (
    MasterKey,
    MasterKeyRefused,
    SecretPlace,
    SecretUnreadable,
    Vault,
    fingerprint,
    is_masked,
    load_master_key,
    mask,
    written_secret,
)
from tests.counts import count

KEY = MasterKey(bytes(range(32)))
PLACE = SecretPlace("org-a", "account_connections", "credentials", "row-1")
OTHER_TEXT = base64.b64encode(bytes(range(100, 132))).decode()


@given(st.text(max_size=200))
def test_what_was_sealed_opens(secret: str) -> None:
    """Any text comes back whole, and is not to be seen in what is stored."""
    vault = Vault(KEY, os.urandom)
    sealed = vault.seal(secret, PLACE)
    assert vault.open(sealed, PLACE) == secret
    assert sealed.isascii()


@pytest.mark.parametrize("field", ["organisation_id", "table", "column", "row_id"])
def test_a_moved_secret_does_not_open(field: str) -> None:
    """A ciphertext copied to another tenant, table, column or row is unreadable there."""
    vault = Vault(KEY, os.urandom)
    sealed = vault.seal("sk-canary", PLACE)
    assert "canary" not in sealed
    elsewhere = dataclasses.replace(PLACE, **{field: "other"})
    with pytest.raises(SecretUnreadable):
        vault.open(sealed, elsewhere)


def test_places_do_not_run_into_each_other() -> None:
    """Two places whose names join to the same text are still two places."""
    vault = Vault(KEY, os.urandom)
    sealed = vault.seal("x", SecretPlace("a", "bc", "d", "e"))
    with pytest.raises(SecretUnreadable):
        vault.open(sealed, SecretPlace("ab", "c", "d", "e"))


def test_every_change_is_noticed() -> None:
    """Whatever character of a stored secret changes, it does not open as something else."""
    vault = Vault(KEY, os.urandom)
    sealed = vault.seal("secret", PLACE)
    for index, char in enumerate(sealed):
        changed = sealed[:index] + ("A" if char != "A" else "B") + sealed[index + 1 :]
        with pytest.raises(SecretUnreadable):
            vault.open(changed, PLACE)
    for broken in ("", "v1", "v1.x", "v1.x.y", sealed + "=", sealed[:-4], "v1..", "ä.ö.ü"):
        with pytest.raises(SecretUnreadable):
            vault.open(broken, PLACE)


def test_another_key_does_not_open() -> None:
    """A secret sealed under one master key is unreadable under another."""
    sealed = Vault(KEY, os.urandom).seal("x", PLACE)
    with pytest.raises(SecretUnreadable):
        Vault(MasterKey(bytes(range(1, 33))), os.urandom).open(sealed, PLACE)


def test_no_nonce_repeats() -> None:
    """Sealing the same secret many times gives as many different nonces."""
    vault = Vault(KEY, os.urandom)
    total = count(5_000, 100_000)
    sealed = (vault.seal("same", PLACE).rpartition(".")[2] for _ in range(total))
    assert len({base64.urlsafe_b64decode(text)[:12] for text in sealed}) == total


def test_the_first_start_makes_a_private_key(tmp_path: Path) -> None:
    """An empty directory gets a key file of mode 0600, which the second start uses."""
    home = tmp_path / "var"
    key = load_master_key(home, None, os.urandom)
    path = home / "master.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((home / "master.check").stat().st_mode) == 0o600
    assert len(base64.b64decode(path.read_text())) == 32
    (home / "cordboard.db").write_text("data")
    assert load_master_key(home, None, os.urandom) == key
    assert {entry.name for entry in home.iterdir()} == {
        "master.key",
        "master.check",
        "cordboard.db",
    }


def test_a_start_cut_short_is_finished(tmp_path: Path) -> None:
    """A crash between writing the key and its check leaves a directory that still starts."""
    key = load_master_key(tmp_path, None, os.urandom)
    (tmp_path / "master.check").unlink()
    assert load_master_key(tmp_path, None, os.urandom) == key


def test_first_starts_at_the_same_time_agree(tmp_path: Path) -> None:
    """Several processes that find an empty directory end up with one key."""
    with ThreadPoolExecutor(8) as threads:
        keys = list(threads.map(lambda _: _started(tmp_path), range(16)))
    assert len({key.secret for key in keys if key is not None}) == 1
    assert load_master_key(tmp_path, None, os.urandom) in keys
    assert {entry.name for entry in tmp_path.iterdir()} == {"master.key", "master.check"}


def _started(home: Path) -> MasterKey | None:
    try:
        return load_master_key(home, None, os.urandom)
    except MasterKeyRefused:
        return None


def test_a_missing_key_refuses(tmp_path: Path) -> None:
    """A directory with data and without its key does not start, and no new key is made."""
    load_master_key(tmp_path, None, os.urandom)
    (tmp_path / "master.key").unlink()
    with pytest.raises(MasterKeyRefused, match="no master key"):
        load_master_key(tmp_path, None, os.urandom)
    assert not (tmp_path / "master.key").exists()


def test_data_without_a_check_refuses(tmp_path: Path) -> None:
    """Data whose key cannot be checked is not touched, whichever key is given."""
    (tmp_path / "cordboard.db").write_text("data")
    with pytest.raises(MasterKeyRefused, match="no master key"):
        load_master_key(tmp_path, None, os.urandom)
    with pytest.raises(MasterKeyRefused, match="cannot be checked"):
        load_master_key(tmp_path, OTHER_TEXT, os.urandom)


def test_a_wrong_key_refuses(tmp_path: Path) -> None:
    """Another key, in the file or in the setting, does not start on this directory's data."""
    load_master_key(tmp_path, None, os.urandom)
    with pytest.raises(MasterKeyRefused, match="is not the one"):
        load_master_key(tmp_path, OTHER_TEXT, os.urandom)
    (tmp_path / "master.key").write_text(OTHER_TEXT)
    with pytest.raises(MasterKeyRefused, match="is not the one"):
        load_master_key(tmp_path, None, os.urandom)


def test_a_key_from_the_setting_is_not_written_down(tmp_path: Path) -> None:
    """A key given as text works and leaves only its check value behind."""
    key = load_master_key(tmp_path, OTHER_TEXT, os.urandom)
    assert load_master_key(tmp_path, OTHER_TEXT.rstrip("="), os.urandom) == key
    assert [entry.name for entry in tmp_path.iterdir()] == ["master.check"]
    assert OTHER_TEXT not in (tmp_path / "master.check").read_text()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "too short"),
        (base64.b64encode(os.urandom(31)).decode(), "too short"),
        (base64.b64encode(bytes(32)).decode(), "too regular"),
        ("not base64 at all!", "not base64"),
        ("ä" * 60, "not base64"),
    ],
)
def test_a_weak_key_refuses(tmp_path: Path, text: str, problem: str) -> None:
    """A short, regular or unreadable key refuses with a line that does not repeat it."""
    with pytest.raises(MasterKeyRefused, match=problem) as refusal:
        load_master_key(tmp_path, text, os.urandom)
    assert not text or text not in str(refusal.value)
    assert "CORDBOARD_MASTER_KEY" in str(refusal.value)


def test_a_key_file_that_others_read_refuses(tmp_path: Path) -> None:
    """A key file open to group or world refuses, and the line says what to run."""
    load_master_key(tmp_path, None, os.urandom)
    (tmp_path / "master.key").chmod(0o640)
    with pytest.raises(MasterKeyRefused, match="chmod 600"):
        load_master_key(tmp_path, None, os.urandom)


def test_the_caller_may_know_better_about_data(tmp_path: Path) -> None:
    """A database elsewhere is told by the caller."""
    with pytest.raises(MasterKeyRefused):
        load_master_key(tmp_path, None, os.urandom, holds_data=True)
    assert list(tmp_path.iterdir()) == []


def test_the_key_does_not_show() -> None:
    """Neither the key's text form nor its names hold the key."""
    assert KEY.secret.hex() not in KEY.check + KEY.key_id
    assert "secret" not in repr(KEY)
    assert fingerprint(KEY, "a") != fingerprint(KEY, "b")


@pytest.mark.parametrize(
    ("secret", "masked"),
    [("sk-1234567890", "****7890"), ("12345678", "****"), ("", "****"), ("123456789", "****6789")],
)
def test_a_mask_shows_four_characters_at_most(secret: str, masked: str) -> None:
    """A mask shows the last four, and nothing of a secret that short."""
    assert mask(secret) == masked
    assert is_masked(masked)
    assert not is_masked(secret)


def test_writing_the_mask_back_changes_nothing() -> None:
    """The mask of the stored secret keeps it, another mask is refused, a new secret replaces it."""
    assert written_secret("****7890", "sk-1234567890") == "sk-1234567890"
    assert written_secret("sk-new", "sk-1234567890") == "sk-new"
    assert written_secret("sk-new", None) == "sk-new"
    with pytest.raises(ValueError, match="masked"):
        written_secret("****9999", "sk-1234567890")
    with pytest.raises(ValueError, match="masked"):
        written_secret("****7890", None)
