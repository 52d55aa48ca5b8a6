"""Each peer as a telephone agent, by its own public API: run as scripts in their environments.

All do what its documentation shows for a carrier's media streams, with vendors at ``BENCH_FAKES``.
They import nothing of ours.
"""
