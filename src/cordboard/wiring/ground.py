"""What every part of the process stands on."""

from __future__ import annotations

from dataclasses import dataclass

from cordboard.clock import SystemClock
from cordboard.ids import Randomness
from cordboard.settings import Settings
from cordboard.storage.database import Database
from cordboard.storage.vault import MasterKey, Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Settings, time, chance, keys, database, and the name under which this process owns calls."""

    settings: Settings
    clock: SystemClock
    randomness: Randomness
    key: MasterKey
    vault: Vault
    database: Database
    engine_id: str
