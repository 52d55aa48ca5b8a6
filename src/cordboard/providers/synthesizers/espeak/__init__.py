"""The voice of eSpeak NG, which is GPL-3: it runs in a child process and is never imported here.

The server process imports ``synthesizer``, ``voices`` and ``wire`` only; ``process`` and
``library`` belong to the child.
"""
