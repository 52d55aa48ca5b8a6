"""What the server tells its operator: logs as JSON lines, and metrics for Prometheus.

Both are safe by construction. Every text that leaves is redacted here: telephone numbers keep
their last four digits, secrets and what was said are masked, control characters are escaped.
Metrics have a bounded count of series: a label whose values could grow without end is folded
into ``other``.
"""

from __future__ import annotations

import bisect
import itertools
import json
import logging
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar, Final, TextIO, TypeVar

MASK: Final = "****"
MAX_TEXT_LENGTH: Final = 2000
MAX_DEPTH: Final = 6
MAX_ITEMS_COUNT: Final = 50
MAX_SERIES_COUNT: Final = 200

_LOG_ROOT: Final = "cordboard"

_SECRET_KEY: Final = re.compile(
    r"(^|[_-])(key|token|secret|password|passphrase|authorization|signature|credential|credentials"
    r"|cookie|nonce|cnonce|ha1)$|^apikey$",
    re.IGNORECASE,
)
_NUMBER_KEY: Final = re.compile(r"(^|_)(number|numbers|caller|callee|far_end)$", re.IGNORECASE)
_SPEECH_KEY: Final = re.compile(
    r"(^|_)(text|words|transcript|utterance|speech|message_body)$", re.IGNORECASE
)

# Seven to fifteen digits that stand by themselves, with the separators people write.
_NUMBER: Final = re.compile(r"(?<![\w.-])\+?\(?\d(?:[ ()./-]{0,2}\d){6,16}(?![\w-])")
_METRIC_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_IPV4: Final = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_CREDENTIALS: Final = (
    re.compile(r"(\bauthorization\b\W{1,4})[^\r\n]+", re.IGNORECASE),
    re.compile(r"(\b(?:bearer|basic)\s+)[\w.~+/=-]{8,}", re.IGNORECASE),
    re.compile(r"(://[^\s/:@]*:)[^\s/@]+(?=@)"),
    re.compile(r"(\b(?:https?|wss?)://[^\s?#]*[?#])[^\s\"']+", re.IGNORECASE),
)
_OUR_KEY: Final = re.compile(r"\b(sk|ck|whsec)[-_][A-Za-z0-9+/_=-]{8,}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class Redaction:
    """Turns anything that is to be logged into JSON values without numbers and secrets."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """``secrets`` are texts that must never appear wherever they stand."""
        self._secrets = sorted({text for text in secrets if len(text) >= 8}, key=len, reverse=True)

    def text(self, text: str) -> str:
        """Return ``text`` shortened, with secrets, numbers and control characters taken out."""
        for known in self._secrets:
            text = text.replace(known, MASK)
        text = text[: 2 * MAX_TEXT_LENGTH]
        for credential in _CREDENTIALS:
            text = credential.sub(rf"\g<1>{MASK}", text)
        text = _OUR_KEY.sub(rf"\g<1>_{MASK}", text)
        text = _NUMBER.sub(_masked_number, text)
        text = _CONTROL.sub(lambda found: f"\\u{ord(found.group()):04x}", text)
        return text if len(text) <= MAX_TEXT_LENGTH else text[:MAX_TEXT_LENGTH] + "…"

    def field(self, key: str, value: object, depth: int = 0) -> object:
        """Return ``value`` as JSON values; what ``key`` says it is decides what is masked."""
        if value is None or isinstance(value, bool):
            return value
        if _SECRET_KEY.search(key):
            return MASK
        if _SPEECH_KEY.search(key) and isinstance(value, str):
            return f"[{len(value)} characters]"
        if _NUMBER_KEY.search(key) and isinstance(value, str | int):
            return number(str(value))
        if isinstance(value, int | float):
            return value if math.isfinite(value) else str(value)
        if isinstance(value, bytes | bytearray | memoryview):
            return f"[{len(value)} bytes]"
        return self._structure(key, value, depth)

    def _structure(self, key: str, value: object, depth: int) -> object:
        if depth >= MAX_DEPTH:
            return "…"
        if isinstance(value, Mapping):
            pairs = list(value.items())[:MAX_ITEMS_COUNT]
            return {
                self.text(str(name)): self.field(str(name), item, depth + 1) for name, item in pairs
            }
        if isinstance(value, list | tuple | set | frozenset):
            items = list(value)[:MAX_ITEMS_COUNT]
            return [self.field(key, item, depth + 1) for item in items]
        return self.text(str(value))


def number(text: str) -> str:
    """Return a telephone number cut to its last four digits; a shorter one disappears."""
    digits = re.sub(r"\D", "", text)
    return MASK + (digits[-4:] if len(digits) > 6 else "")


def _masked_number(found: re.Match[str]) -> str:
    text = found.group()
    return text if _IPV4.fullmatch(text) else number(text)


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON: at, level, logger, event, and its extra fields."""

    def __init__(self, redaction: Redaction) -> None:
        """Every text passes through ``redaction``."""
        super().__init__()
        self._redaction = redaction

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without a line break."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": self._redaction.text(record.getMessage()),
        }
        for key, value in record.__dict__.items():
            if key not in _RECORD_KEYS and key not in line:
                line[self._redaction.text(key)] = self._redaction.field(key, value)
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = [
                self._redaction.text(part)
                for part in self.formatException(record.exc_info).splitlines()[-MAX_ITEMS_COUNT:]
            ]
        return json.dumps(line, ensure_ascii=True, allow_nan=False, default=str)


_RECORD_KEYS: Final = frozenset(
    {*logging.makeLogRecord({}).__dict__, "message", "asctime", "taskName"}
)


def configure_logging(stream: TextIO, level: str, secrets: Iterable[str] = ()) -> None:
    """Log everything under ``cordboard``, and warnings of libraries, to ``stream``."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines(Redaction(secrets)))
    root = logging.getLogger()
    for old in [*root.handlers]:
        if isinstance(old.formatter, JsonLines):
            root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger(_LOG_ROOT).setLevel(level.upper())


class Metric:
    """A named family of series, one for each combination of label values.

    At most ``MAX_SERIES_COUNT`` combinations are kept; later ones are counted under ``other``.
    """

    kind: ClassVar[str]

    def __init__(self, name: str, help: str, labels: Sequence[str] = ()) -> None:
        """Names are as in Prometheus: ``cordboard_calls_total``, unit last."""
        if not _METRIC_NAME.fullmatch(name) or not all(map(_METRIC_NAME.fullmatch, labels)):
            raise ValueError(f"{name!r} {labels!r}: not a name of a metric or label")
        self.name = name
        self.help = help
        self.labels = tuple(labels)
        self._series: dict[tuple[str, ...], list[float]] = {}

    def samples(self) -> list[str]:
        """Return the lines of all series."""
        return [
            f"{self.name}{self._label_text(key)} {_shown(cell[0])}"
            for key, cell in self._series.items()
        ]

    def value(self, **labels: str) -> float:
        """Return a series' value, 0 when nothing was counted; for tests and ``doctor``."""
        cell = self._series.get(tuple(labels[name] for name in self.labels))
        return cell[0] if cell else 0.0

    def _cell(self, labels: Mapping[str, str], size: int = 1) -> list[float]:
        if labels.keys() != set(self.labels):
            raise ValueError(f"metric {self.name!r} has the labels {self.labels}")
        key = tuple(labels[name] for name in self.labels)
        if key not in self._series and len(self._series) >= MAX_SERIES_COUNT:
            key = ("other",) * len(self.labels)
        return self._series.setdefault(key, [0.0] * size)

    def _label_text(self, key: Sequence[str], more: str = "") -> str:
        pairs = [f'{name}="{_escaped(text)}"' for name, text in zip(self.labels, key, strict=True)]
        inside = ",".join([*pairs, more] if more else pairs)
        return f"{{{inside}}}" if inside else ""


class Counter(Metric):
    """A number that only grows."""

    kind = "counter"

    def add(self, amount: float = 1, **labels: str) -> None:
        """Count ``amount``, which must not be negative."""
        if amount < 0:
            raise ValueError(f"counter {self.name!r} cannot fall")
        self._cell(labels)[0] += amount


class Gauge(Metric):
    """A number that goes up and down."""

    kind = "gauge"

    def set(self, value: float, **labels: str) -> None:
        """Replace the value."""
        self._cell(labels)[0] = value

    def add(self, amount: float = 1, **labels: str) -> None:
        """Change the value by ``amount``."""
        self._cell(labels)[0] += amount


class Histogram(Metric):
    """How often values fell at or below each of a fixed set of bounds."""

    kind = "histogram"

    def __init__(
        self,
        name: str,
        help: str,
        bounds: Sequence[float],
        labels: Sequence[str] = (),
    ) -> None:
        """``bounds`` are upper bounds, rising."""
        super().__init__(name, help, labels)
        if not bounds or list(bounds) != sorted(set(bounds)):
            raise ValueError(f"histogram {name!r} needs rising bounds")
        self.bounds = tuple(bounds)

    def observe(self, value: float, **labels: str) -> None:
        """Count ``value``."""
        cell = self._cell(labels, len(self.bounds) + 2)
        cell[0] += value  # the sum; then one count for each bound, and one for what lies above
        cell[1 + bisect.bisect_left(self.bounds, value)] += 1

    def samples(self) -> list[str]:
        """Return cumulated buckets, sum and count of all series."""
        lines: list[str] = []
        for key, (total, *counts) in self._series.items():
            heaped = list(itertools.accumulate(counts))
            for bound, below in zip([*map(_shown, self.bounds), "+Inf"], heaped, strict=True):
                label = self._label_text(key, f'le="{bound}"')
                lines.append(f"{self.name}_bucket{label} {_shown(below)}")
            plain = self._label_text(key)
            lines.append(f"{self.name}_sum{plain} {_shown(total)}")
            lines.append(f"{self.name}_count{plain} {_shown(heaped[-1])}")
        return lines


M = TypeVar("M", bound=Metric)


def _shown(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


class Metrics:
    """All metrics of one process; :meth:`render` is the body of ``GET /metrics``."""

    def __init__(self) -> None:
        """Start without any metric."""
        self._metrics: dict[str, Metric] = {}

    def counter(self, name: str, help: str, labels: Sequence[str] = ()) -> Counter:
        """Return the counter ``name`` (ends in ``_total``), made at its first use."""
        return self._get(Counter(name, help, labels))

    def gauge(self, name: str, help: str, labels: Sequence[str] = ()) -> Gauge:
        """Return the gauge ``name``, made at its first use."""
        return self._get(Gauge(name, help, labels))

    def histogram(
        self,
        name: str,
        help: str,
        bounds: Sequence[float],
        labels: Sequence[str] = (),
    ) -> Histogram:
        """Return the histogram ``name`` with upper ``bounds``, made at its first use."""
        return self._get(Histogram(name, help, bounds, labels))

    def render(self) -> str:
        """Return the Prometheus text format, version 0.0.4."""
        lines: list[str] = []
        for metric in self._metrics.values():
            lines += [f"# HELP {metric.name} {_escaped(metric.help)}"]
            lines += [f"# TYPE {metric.name} {metric.kind}", *metric.samples()]
        return "\n".join(lines) + "\n"

    def _get(self, fresh: M) -> M:
        known = self._metrics.setdefault(fresh.name, fresh)
        if not isinstance(known, type(fresh)) or known.labels != fresh.labels:
            raise ValueError(f"metric {fresh.name!r} is already there with other labels or kind")
        return known
