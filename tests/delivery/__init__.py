"""Tests of requests that leave for customers."""
