"""The flow: an operator whose decisions are made by a user's own app."""
