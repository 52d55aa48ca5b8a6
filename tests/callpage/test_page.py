"""The call page is complete, true to the facts, and harmless whatever was said."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cordboard.callpage.page import render_call_page
from cordboard.ports import Fact
from tests.callpage.sample import AT, Timeline, call, facts, recording
from tests.counts import count

KINDS = sorted({fact.kind for fact in facts()} | {"barge_in", "bridge", "caller_turn", "made_up"})
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=5,
)
KEYS = st.sampled_from(
    ["text", "utterance_id", "at_ms", "turn_id", "whole", "action_call_id", "arguments", "reason"]
)


class Reader(HTMLParser):
    """Collects what a browser would see of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        """All text of the page."""
        return " ".join(self.words)


def test_the_page_shows_the_call() -> None:
    """Numbers, words, actions, reasons, figures and events are all there."""
    reader = Reader(render_call_page(call(), facts(), recording()))
    for words in (
        "12025550143",
        "Meeting Assistant",
        "agent ended",
        "I would like to book a meeting for tomorrow",
        "Gladly. At what time would you like to meet,",
        "Turn ended: sentence complete, 420 ms after the caller stopped",
        "Barge in: words",
        '"time": "09:30am"',
        '"reference": "M-2041"',
        "success · HTTP 200",
        "840 ms",
        "7 of 7 moments agree",
        "leg_answered",
    ):
        assert words in reader.text
    struck = [words for words in reader.words if "for how long should I book" in words]
    assert struck[0].startswith(" and for how long")


def test_the_page_loads_nothing_and_says_so_to_the_browser() -> None:
    """No address but data:, and a policy that allows our own style and script only."""
    page = render_call_page(call(), facts(), recording())
    reader = Reader(page)
    for tag, attributes in reader.tags:
        assert tag not in ("link", "iframe", "img", "object", "embed", "base", "form")
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "action"):
            assert str(attributes.get(name) or "data:").startswith("data:")
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "url(" not in page
    policy = next(
        str(attributes["content"])
        for tag, attributes in reader.tags
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'")
    for tag in ("style", "script"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_a_moment_that_is_off_is_marked() -> None:
    """When the recording contradicts the timeline by more than 20 ms, the page shows it."""
    assert "⚠" not in render_call_page(call(), facts(), recording())
    page = render_call_page(call(), facts(), recording(late_ms=34))
    assert page.count('class="num off"') == 7
    assert "⚠ +34 ms" in page


def test_without_a_recording() -> None:
    """The page works without sound, and says when the recording cannot be read."""
    page = render_call_page(call(), facts(), None)
    assert "There is no recording of this call." in page
    assert "<audio" not in page
    assert "840 ms" in page
    assert "recording: " in render_call_page(call(), facts(), b"RIFF junk")


def test_a_call_without_facts() -> None:
    """An empty record makes a page, too."""
    assert "Nothing was said." in render_call_page({}, [], None)


@given(st.text(max_size=60))
@settings(max_examples=count(50, 2000), deadline=None)
def test_hostile_words_stay_words(words: str) -> None:
    """Whatever is said, named or answered, the page's structure does not change."""
    for hostile in (words, f"</script><script>{words}", f'"><img src=x onerror="{words}">'):
        line = Timeline()
        line.turn("t1", (100, 500), hostile, 100, hostile)
        line.said("u1", (900, 1500), hostile, heard=hostile[: len(hostile) // 2])
        line.add(
            1600,
            "action_started",
            action_call_id="a",
            function_name=hostile,
            arguments={hostile: hostile},
        )
        line.add(1700, "action_finished", action_call_id="a", outcome_class=hostile)
        line.add(1800, hostile, kind_of=hostile)
        shown = dict.fromkeys(("id", "status", "from_number", "to_number", "agent"), hostile)
        reader = Reader(render_call_page(shown, line.facts, None))
        tags = [tag for tag, _ in reader.tags]
        assert tags.count("script") == 1
        assert "img" not in tags
        assert {name for _, attributes in reader.tags for name in attributes} <= {
            *("charset", "class", "content", "d", "data-at", "data-to", "height", "http-equiv"),
            *("id", "lang", "name", "title", "viewbox", "width", "x", "y"),
            *("preserveaspectratio", "aria-hidden"),
        }


def test_text_that_turns_around_is_shown() -> None:
    """Invisible and direction-changing characters are made visible."""
    line = Timeline()
    line.turn("t1", (100, 500), "abc\u202edef\u0000", 100, "")
    page = render_call_page({}, line.facts, None)
    assert "\u202e" not in page
    assert "abc⟨right-to-left override⟩def⟨U+0000⟩" in page


@given(
    st.lists(
        st.tuples(
            st.sampled_from(KINDS),
            st.none() | st.integers(-1000, 10**6),
            st.dictionaries(KEYS, JSON, max_size=4),
        ),
        max_size=12,
    )
)
@settings(max_examples=count(50, 2000), deadline=None)
def test_any_facts_make_a_page(entries: list[tuple[str, int | None, dict[str, Any]]]) -> None:
    """Facts in any order and with any content never break the page."""
    timeline = [
        Fact(number, kind, AT, at_ms, content)
        for number, (kind, at_ms, content) in enumerate(entries)
    ]
    assert render_call_page(call(), timeline, None).endswith("</html>\n")
