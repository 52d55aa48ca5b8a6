"""pocketsphinx (BSD) in worker processes, with a grammar made from what the agent expects next.

It recognises what the grammar holds, in English, at 16 kHz. It does not take dictation.
"""
