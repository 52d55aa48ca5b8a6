"""The tone code's public face: text to sound (``encode``) and back (``ToneDecoder``)."""

from __future__ import annotations

from cordboard.media.tone_decoder import Heard, ToneDecoder
from cordboard.media.tone_encoder import WordMark, encode, encode_word

__all__ = ["Heard", "ToneDecoder", "WordMark", "encode", "encode_word"]
