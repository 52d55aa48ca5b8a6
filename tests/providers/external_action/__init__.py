"""Tests of external actions."""
