"""Logs that keep secrets, and metrics that stay bounded."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.observe import (
    MAX_SERIES_COUNT,
    JsonLines,
    Metrics,
    Redaction,
    configure_logging,
    number,
)

CANARIES = {
    "number": "+12025550143",
    "national": "0202 555 0143",
    "token": "canary-token-6f1d2c",
    "speech": "my mother's maiden name is canary",
    "bearer": "canarybearerabcdef",
    "database": "canarydbpassword",
    "ours": "sk_canary1234567890",
}


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Log into memory for one test, and leave logging as it was."""
    root = logging.getLogger()
    handlers, level = [*root.handlers], root.level
    output = io.StringIO()
    configure_logging(output, "info", secrets=[CANARIES["token"]])
    yield output
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("cordboard").setLevel(logging.NOTSET)


def test_no_canary_gets_out(stream: io.StringIO) -> None:
    """Numbers, secrets and speech planted in every place of a record do not come out."""
    log = logging.getLogger("cordboard.canary")
    try:
        raise ValueError(f"sip:{CANARIES['number']}@192.0.2.1 said {CANARIES['token']}")
    except ValueError:
        log.exception(
            "call from %s, Authorization: Bearer %s",
            CANARIES["national"],
            CANARIES["bearer"],
            extra={
                "from_number": 12025550143,
                "agent": {"api_key": "canary-api-key", "words": [CANARIES["speech"]]},
                "text": CANARIES["speech"],
                "url": f"postgresql://board:{CANARIES['database']}@db/x",
                "headers": {"X-Api-Key": "canary", CANARIES["number"]: 1},
                "note": CANARIES["ours"],
            },
        )
    out = stream.getvalue()
    assert "canary" not in out.replace("cordboard.canary", "").replace("test_no_canary", "")
    assert "2025550143" not in out
    assert "****0143" in out
    assert "192.0.2.1" in out


def test_six_shapes_of_a_secret(stream: io.StringIO) -> None:
    """A secret is masked in a message, a field, embedded, an error, bytes and a sub-logger."""
    secret = CANARIES["token"]
    log = logging.getLogger("cordboard.shapes")
    log.info("message %s", secret)
    log.info("field", extra={"note": secret})
    log.info("embedded", extra={"outer": {"inner": [f"a{secret}b"]}})
    log.info("error", extra={"error": ValueError(secret)})
    log.info("bytes", extra={"raw": secret.encode()})
    log.getChild("sub").info("sub-logger %s", {"note": secret})
    out = stream.getvalue()
    assert len(out.splitlines()) == 6
    assert "canary" not in out
    assert out.count("****") == 5
    assert f"[{len(secret)} bytes]" in out


def test_one_record_is_one_line(stream: io.StringIO) -> None:
    """Line breaks and terminal escapes in what others sent cannot forge a line."""
    logging.getLogger("cordboard.x").warning("a\nb\x1b[2J\x9b\u2028c", extra={"f": "d\r\ne\x7f"})
    (line,) = stream.getvalue().splitlines()
    parsed = json.loads(line)
    assert parsed["event"] == "a\\u000ab\\u001b[2J\\u009b\\u2028c"
    assert parsed["f"] == "d\\u000d\\u000ae\\u007f"
    assert parsed["level"] == "warning"


def test_fields_keep_their_types(stream: io.StringIO) -> None:
    """Counts, times and identifiers stay readable."""
    fields = {"duration_ms": 12345678, "ratio": 0.5, "ok": True, "none": None, "nan": float("nan")}
    call_id = "8f14e45f-ceea-467f-a8a1-0f2b9c1d2e3f"
    logging.getLogger("cordboard.x").info("call ended", extra={**fields, "call_id": call_id})
    parsed = json.loads(stream.getvalue())
    assert {name: parsed[name] for name in ("duration_ms", "ratio", "ok", "none", "nan")} == {
        **fields,
        "nan": "nan",
    }
    assert parsed["call_id"] == call_id


def test_debug_is_off_by_default(stream: io.StringIO) -> None:
    """A level below the chosen one is not logged; libraries are heard from warning on."""
    logging.getLogger("cordboard.x").debug("quiet")
    logging.getLogger("some.library").info("quiet")
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    "text", ["+1 202-555-0143", "1.202.555.0143", "(202) 555 0143", "12025550143", "202/5550143"]
)
def test_written_numbers_are_cut(text: str) -> None:
    """However a number is written, only its last four digits stay."""
    assert Redaction().text(f"ring {text} now") == "ring ****0143 now"


@pytest.mark.parametrize(
    "text",
    [
        *("2026-11-20T23:12:45Z", "127.0.0.1:5060", "100", "port 29999"),
        *("http://127.0.0.1:8000/v1/calls", "basic auth", "sip:100@192.0.2.1:5060;transport=udp"),
    ],
)
def test_other_digits_stay(text: str) -> None:
    """Timestamps, addresses and short numbers are not telephone numbers."""
    assert Redaction().text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Digest username=canary, response=canary",
        "authorization=Basic canarycanary",
        "got Bearer canary.canary.canary",
        "sip://trunk:canary@192.0.2.1",
        "sqlite+x://:canary@/y",
        "GET https://example.test/path?key=canary&x=1",
        "ws://example.test/#canary",
    ],
)
def test_credentials_in_text_are_masked(text: str) -> None:
    """What authenticates somebody does not stay in a line of text."""
    redacted = Redaction().text(text)
    assert "canary" not in redacted
    assert "****" in redacted


def test_a_short_number_disappears() -> None:
    """Of a number with few digits, the last four would be too much."""
    assert number("555014") == "****"


@given(st.recursive(st.text() | st.integers() | st.none(), lambda inner: st.lists(inner)))
def test_anything_can_be_logged(value: object) -> None:
    """Whatever is handed in, one valid line of JSON comes out."""
    record = logging.makeLogRecord({"msg": "x", "value": value})
    line = JsonLines(Redaction()).format(record)
    assert "\n" not in line
    assert json.loads(line)["event"] == "x"


def test_deep_structures_are_cut() -> None:
    """Depth and length of what is logged are bounded."""
    deep: object = "end"
    for _ in range(50):
        deep = [deep] * 2
    assert len(json.dumps(Redaction().field("deep", deep))) < 1000
    assert len(Redaction().text("x" * 100_000)) < 3000


def test_metrics_render_as_prometheus_text() -> None:
    """Counters, gauges and histograms come out in text format 0.0.4."""
    metrics = Metrics()
    metrics.counter("calls_total", "Calls.", ["end"]).add(end='by "caller"')
    metrics.gauge("calls", "Now.").set(2)
    delay = metrics.histogram("delay_ms", "Delay.", [10, 20.5])
    for value in (5, 10, 11, 100):
        delay.observe(value)
    assert metrics.render().splitlines() == [
        "# HELP calls_total Calls.",
        "# TYPE calls_total counter",
        'calls_total{end="by \\"caller\\""} 1',
        "# HELP calls Now.",
        "# TYPE calls gauge",
        "calls 2",
        "# HELP delay_ms Delay.",
        "# TYPE delay_ms histogram",
        'delay_ms_bucket{le="10"} 2',
        'delay_ms_bucket{le="20.5"} 3',
        'delay_ms_bucket{le="+Inf"} 4',
        "delay_ms_sum 126",
        "delay_ms_count 4",
    ]


def test_series_are_bounded() -> None:
    """A label that takes ever new values ends up in ``other`` instead of in memory."""
    counter = Metrics().counter("x_total", "X.", ["who"])
    for index in range(MAX_SERIES_COUNT + 50):
        counter.add(who=str(index))
    assert len(counter.samples()) == MAX_SERIES_COUNT + 1
    assert counter.value(who="other") == 50


def test_a_metric_is_one_thing() -> None:
    """The same name gives the same metric; another kind or other labels are an error."""
    metrics = Metrics()
    assert metrics.counter("x_total", "X.") is metrics.counter("x_total", "X.")
    with pytest.raises(ValueError, match="already there"):
        metrics.gauge("x_total", "X.")
    with pytest.raises(ValueError, match="already there"):
        metrics.counter("x_total", "X.", ["who"])


def test_misuse_of_a_metric_is_refused() -> None:
    """Falling counters, wrong labels, odd names and bounds out of order are our mistakes."""
    metrics = Metrics()
    with pytest.raises(ValueError, match="cannot fall"):
        metrics.counter("x_total", "X.").add(-1)
    with pytest.raises(ValueError, match="has the labels"):
        metrics.counter("x_total", "X.").add(who="me")
    with pytest.raises(ValueError, match="not a name"):
        metrics.gauge("x y", "X.")
    with pytest.raises(ValueError, match="rising bounds"):
        metrics.histogram("h", "H.", [2, 1])
