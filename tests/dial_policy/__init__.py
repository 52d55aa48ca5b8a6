"""Tests of the decision whether a number may be dialled."""
