"""The organisation's own accounts at carriers and providers."""
