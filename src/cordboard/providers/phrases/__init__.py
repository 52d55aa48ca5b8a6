"""Phrases that ship with the base install as sound, so that a call never falls silent."""
