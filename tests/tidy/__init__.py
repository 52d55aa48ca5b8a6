"""The house rules as tests: whoever breaks one is told what to do instead."""
