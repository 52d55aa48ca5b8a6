"""Requests that leave for customers: their bodies, signatures and attempts."""
