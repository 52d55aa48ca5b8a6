"""The demonstration: one real telephone call on this machine, with only what is installed."""
