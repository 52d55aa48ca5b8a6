"""The demonstration: one real telephone call on this machine, with nothing but what is installed."""
