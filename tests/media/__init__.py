"""Tests of the sound layer."""
