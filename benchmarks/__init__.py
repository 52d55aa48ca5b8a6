"""What a call costs and how soon it answers: measured from outside, on real SIP and RTP.

``python -m benchmarks`` starts a server whose vendors have fixed delays, rings it with many
callers at once, and prints a table. ``load`` is the generator, ``caller`` one of its calls,
``vendors`` what the server is composed with.
"""
