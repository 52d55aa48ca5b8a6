"""How much an organisation has telephoned."""
