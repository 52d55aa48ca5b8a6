"""Voice activity by loudness alone: for the tone code, and where the neural model is missing."""
