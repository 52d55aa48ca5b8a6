"""Instructions to a language model."""
