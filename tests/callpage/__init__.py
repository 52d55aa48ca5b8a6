"""Tests of the call page."""
