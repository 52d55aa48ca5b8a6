"""A call without a phone and without sound: somebody types what the caller says."""
