"""A call as Twilio runs it: documents fetched from our webhooks and carried out verb by verb.

After "TwiML for Programmable Voice" and "Webhooks Security": requests are signed forms; behind
``<Connect>`` the document goes on only when the stream is gone and the call is not; a call that
has no more to do is completed, and every change is told to the status callback.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.etree.ElementTree import fromstring

import aiohttp
from twilio.request_validator import RequestValidator

from tests.fakes.twilio_media import FakeStream


@dataclass
class FakeCall:
    """One call, inbound to us or placed by us. ``verbs`` is what was carried out."""

    port: int
    public_url: str
    auth_token: str
    phone: FakeStream
    from_number: str = "+12025550100"
    to_number: str = "+12025550101"
    verbs: list[str] = field(default_factory=list)
    account_sid: str = "AC" + "0" * 32
    statuses: list[int] = field(default_factory=list)
    """HTTP statuses of what our webhooks answered."""

    async def offer(self, path: str) -> None:
        """Ring at the voice webhook and do what it says, to the end of the call."""
        await self.go_on(await self.post(path, {"CallStatus": "ringing"}))

    async def go_on(self, document: str) -> None:
        """Carry a document out, and those that follow it."""
        following: str | None = document
        while following is not None:
            following = await self._carry_out(following)

    async def post(self, path: str, more: dict[str, str]) -> str:
        """Ask a webhook, as Twilio does."""
        form = {
            "CallSid": self.phone.call_sid,
            "AccountSid": self.account_sid,
            "From": self.from_number,
            "To": self.to_number,
            **more,
        }
        signature = RequestValidator(self.auth_token).compute_signature(
            self.public_url + path, form
        )
        async with (
            aiohttp.ClientSession() as http,
            http.post(
                f"http://127.0.0.1:{self.port}{path}",
                data=form,
                headers={"X-Twilio-Signature": signature},
            ) as answer,
        ):
            self.statuses.append(answer.status)
            return await answer.text()

    async def _carry_out(self, document: str) -> str | None:
        for verb in fromstring(document):  # noqa: S314
            self.verbs.append(verb.tag)
            match verb.tag:
                case "Connect":
                    await self.phone.run(verb[0].attrib["url"])
                    if self.phone.habits.over or self.phone.habits.redirected:
                        return None
                case "Redirect":
                    assert verb.text is not None
                    path = verb.text.removeprefix(self.public_url)
                    return await self.post(path, {"CallStatus": "in-progress"})
                case _:
                    return None
        return None
