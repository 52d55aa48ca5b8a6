"""Vendors of transcription, voice, language and voice activity: one folder each, behind ports."""
