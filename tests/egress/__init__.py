"""Tests of the gate for connections to tenants' targets."""
