"""Runs calls: the only place that starts tasks for a call."""
