"""How an agent sounds."""
