"""One server per data directory, and the name under which it owns calls."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from cordboard.ids import Randomness
from cordboard.settings import SettingError


class DirectoryLock:
    """Holds a data directory for one process. Raises ``SettingError`` when another one has it.

    ``engine_id`` stays the same over restarts, so that what a crash left open is found at once.
    """

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "engine.lock"
        self._file = -1
        self.engine_id = ""

    def __enter__(self) -> Self:
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise SettingError(
                f"CORDBOARD_DATA_DIR (--data-dir) {self._path.parent} is in use by another server"
            ) from None
        known = os.read(self._file, 64).decode("ascii", "replace").strip()
        self.engine_id = known or f"engine-{Randomness.system().token(64)}"
        if not known:
            os.write(self._file, self.engine_id.encode())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._file)
