"""The voices that flow apps name, and who speaks for them here.

The names are those of the protocol (reference section 9): a provider, a voice of it, a language.
Where that provider is configured it speaks with the very voice; else the server's own synthesizer
does, in a voice of the same sex where it has one.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from cordboard.call.plan import VoicePlan

AZURE: Final = "azure"
ELEVEN_LABS: Final = "eleven_labs"
FEMALE: Final = "female"
MALE: Final = "male"

# Given names of the voices, without locale and ending; none is both a woman's and a man's.
_AZURE_WOMEN = (
    "Katja Amala Seraphina Elke Klarissa Louisa Maja Tanja Jenny Aria Ava Emma Jane Sara Nancy "
    "Sonia Libby Abbi Bella Olivia Denise Vivienne Brigitte Celeste Coralie Elvira Abril Irene "
    "Triana Isabella Elsa Fenna Colette Francisca Agnieszka Emel"
)
_AZURE_MEN = (
    "Conrad Florian Bernd Christoph Kasper Killian Klaus Ralf Guy Andrew Brian Davis Jason Tony "
    "Ryan Alfie Elliot Oliver Thomas Henri Remy Jerome Maurice Yves Alvaro Diego Maarten Antonio "
    "Marek Ahmet"
)
_AZURE_SEX = {
    **dict.fromkeys(_AZURE_WOMEN.split(), FEMALE),
    **dict.fromkeys(_AZURE_MEN.split(), MALE),
}
_ELEVEN_LABS_FEMALE = {
    "Rachel": "21m00Tcm4TlvDq8ikWAM",
    "Sarah": "EXAVITQu4vr4xnSDxMaL",
    "Mimi": "zrHiDhphv9ZnVXBqCLjz",
    "Aria": "9BWtsMINqrJLrRacOk9x",
    "Alice": "Xb7hH8MSUJpSbSDYk0k2",
    "Charlotte": "XB0fDUnXU5powFXDhCwa",
    "Domi": "AZnzlk1XvdvUeBnXmlld",
    "Dorothy": "ThT5KcBeYPX3keUQqHPh",
    "Elli": "MF3mGyEYCl7XYWbV9V6O",
    "Emily": "LcfcDJNUP1GQjkzn1xUU",
    "Freya": "jsCqWAovK2LkecY7zXl4",
    "Gigi": "jBpfuIE2acCO8z3wKNLl",
    "Glinda": "z9fAnlkpzviPz146aGWa",
    "Grace": "oWAxZDx7w5VEj9dCyTzz",
    "Jessica": "cgSgspJ2msm6clMCkdW9",
    "Jessie": "t0jbNlBVZ17f02VDIeMI",
    "Laura": "FGY2WhTYpPnrIDTdsKH5",
    "Lily": "pFZP5JQG7iQjIQuC4Bku",
    "Matilda": "XrExE9yKIg1WjnnlVkGX",
    "Nicole": "piTKgcLEGmPE4e6mEKli",
    "River": "SAz9YHcvj6GT2YYXdXww",
    "Serena": "pMsXgVXv3BLzUgSXRplE",
}
_ELEVEN_LABS_MALE = {
    "George": "JBFqnCBsd6RMkjVDRZzb",
    "Thomas": "GBv7mTt0atIp3Br8iCZE",
    "Phil": "pJsNpJRIjvv0gEQf9pTf",
    "Adam": "pNInz6obpgDQGcFmaJgB",
    "Antoni": "ErXwobaYiN019PkySvjV",
    "Arnold": "VR6AewLTigWG4xSOukaG",
    "Bill": "pqHfZKP75CvOlQylNhV4",
    "Brian": "nPczCjzI2devNBz1zQrb",
    "Callum": "N2lVS1w4EtoT3dr4eOWO",
    "Charlie": "IKne3meq5aSn9XLyUdCD",
    "Chris": "iP95p4xoKVk53GoZ742B",
    "Clyde": "2EiwWnXFnvU5JabPnv8n",
    "Daniel": "onwK4e9ZLuTAKqWW03F9",
    "Dave": "CYw3kZ02Hs0563khs1Fj",
    "Drew": "29vD33N1CtxCmqQRPOHJ",
    "Eric": "cjVigY5qzO86Huf0OWal",
    "Ethan": "g5CIjZEefAph4nQFvHAz",
    "Fin": "D38z5RcWu1voky8WS1ja",
    "Giovanni": "zcAOhNBS3c14rBihAFp1",
    "Harry": "SOYHLrjzK2X1ezoPC6cr",
    "Jeremy": "bVMeCyTHy58xNoL34h3p",
    "Josh": "TxGEqnHWrfWFTfGW9XjX",
    "Joseph": "Zlb1dXrM653N07WRdFW3",
    "James": "ZQe5CZNOzWyzPSCn5a3c",
    "Liam": "TX3LPaxmHKxFdv7VOQHJ",
    "Michael": "flq6f7yk4E4fJM5XTYuZ",
    "Patrick": "ODq5zmih8GrVes37Dizd",
    "Paul": "5Q0t7uMcjvnagumLfvZi",
    "Roger": "CwhRBWXzGAHq8TQ4Fs17",
    "Sam": "yoZ06aMxZJJ28mfd3POQ",
    "Will": "bIHbv24MWmeRgasZH58o",
}
_IDS = {name.casefold(): id_ for name, id_ in (_ELEVEN_LABS_FEMALE | _ELEVEN_LABS_MALE).items()}
_SEX_OF_ID = {
    **dict.fromkeys(_ELEVEN_LABS_FEMALE.values(), FEMALE),
    **dict.fromkeys(_ELEVEN_LABS_MALE.values(), MALE),
}
# Who of a synthesizer stands in for a voice of which nothing but the sex is known.
_STAND_INS = {
    ELEVEN_LABS: {
        FEMALE: VoicePlan(provider=ELEVEN_LABS, voice=_ELEVEN_LABS_FEMALE["Sarah"]),
        MALE: VoicePlan(provider=ELEVEN_LABS, voice=_ELEVEN_LABS_MALE["George"]),
    },
    "embedded": {
        FEMALE: VoicePlan(provider="embedded", settings={"gender": FEMALE}),
        MALE: VoicePlan(provider="embedded", settings={"gender": MALE}),
    },
}

_NEURAL = re.compile(
    r"([a-z]{2,3}(?:-[A-Za-z]{4})?-[A-Z]{2})-([A-Za-z]+?)(?:Multilingual)?(?:Neural)?"
)
_VOICE = re.compile(r"[A-Za-z0-9:_-]{1,100}")


@dataclass(frozen=True, slots=True)
class Voices:
    """Who speaks, by the synthesizers that are configured and which one is the server's own."""

    configured: Collection[str]
    server: str

    def choose(
        self, provider: str | None, voice: str | None, language: str | None
    ) -> tuple[VoicePlan | None, str]:
        """Return the voice, None for the flow's own, and a warning or an empty text.

        A provider that is not named is told from its voice. The language is the text's: it
        chooses no voice.
        """
        asked = (voice or "").strip()
        wanted = (provider or "").strip() or _provider_of(asked)
        if wanted == AZURE:
            named = _NEURAL.fullmatch(asked)
            return self._found(AZURE, asked, _AZURE_SEX.get(named[2]) if named else None)
        if wanted == ELEVEN_LABS:
            voice_id = _IDS.get(asked.casefold(), asked)
            return self._found(ELEVEN_LABS, voice_id, _SEX_OF_ID.get(voice_id))
        if not provider and not asked:
            return None, ""
        return None, "the provider is neither azure nor eleven_labs: the flow's own voice speaks"

    def _found(self, provider: str, voice: str, sex: str | None) -> tuple[VoicePlan | None, str]:
        if voice and not _VOICE.fullmatch(voice):
            return None, f"the voice is none of {provider}: the flow's own speaks"
        if provider in self.configured:
            return VoicePlan(provider=provider, voice=voice), ""
        stand_in = _STAND_INS.get(self.server, {}).get(sex or "")
        wish = f"{provider} {voice}".strip()
        speaks = "flow's own voice" if stand_in is None else "server's own synthesizer"
        return stand_in, f"{wish} is not configured here: the {speaks} speaks"


def language_of(voice: str | None) -> str | None:
    """Return the language that a voice's name begins with, where it has one."""
    named = _NEURAL.fullmatch((voice or "").strip())
    return named[1] if named else None


def _provider_of(voice: str) -> str:
    if _NEURAL.fullmatch(voice):
        return AZURE
    known = voice in _SEX_OF_ID or voice.casefold() in _IDS
    return ELEVEN_LABS if known else ""
