"""Vendors of transcription."""
