"""The migrations; each is named by its number."""
