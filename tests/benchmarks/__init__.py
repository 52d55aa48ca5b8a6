"""The bench's own arithmetic: figures that nobody checks are worth nothing."""
