"""ElevenLabs' streaming speech synthesis."""
