"""Deepgram's streaming transcription."""
