"""Calls and what is on record about them."""
