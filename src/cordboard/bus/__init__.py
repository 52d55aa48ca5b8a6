"""Messages between the parts and processes of a server: ``port`` says what, ``memory`` does it."""
