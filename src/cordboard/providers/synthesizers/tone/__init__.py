"""The tone code as a voice: no speech, but words that arrive exactly."""
