"""Vendors of language."""
