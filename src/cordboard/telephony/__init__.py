"""Carriers: one folder or module each."""
