"""What an agent may do besides talking."""
