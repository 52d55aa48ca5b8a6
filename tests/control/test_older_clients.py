"""Answers for older releases of the official client."""

from __future__ import annotations

from cordboard.control.older_clients import readable

VOICE = {"id": "i", "user_id": "u", "type": "voice_vocode", "voice_id": "joe"}


def test_a_voice_that_came_later() -> None:
    """It is shown as one that was there from the beginning, wherever it stands; under its id."""
    content = {"items": [{"agent": {"voice": VOICE}}]}
    for version in ((0, 0, 15), (0, 0, 46)):
        voice = readable(content, version)["items"][0]["agent"]["voice"]
        assert (voice["id"], voice["type"]) == ("i", "voice_azure")
        assert voice["voice_name"]


def test_newest_clients() -> None:
    """The newest release, and who tells no version, get the answer as it is."""
    for version in (None, (0, 0, 48), (1, 0, 0)):
        assert readable({"voice": VOICE}, version) == {"voice": VOICE}
