"""The pure sound layer: encodings, packets, jitter, tones. No I/O, no clock, no randomness."""
