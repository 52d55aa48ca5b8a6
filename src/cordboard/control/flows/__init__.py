"""Flows: apps of users' own that numbers lead to."""
