"""Callers handed over to somebody else: heard on both ends, and come back from."""
