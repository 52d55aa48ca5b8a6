"""The composition root: the only place that builds things out of settings.

``providers`` chooses who listens, answers and speaks; ``inbound`` turns an INVITE into a call;
``recovery`` ends what a crash left behind; ``http`` serves the API; ``server`` puts all of it
together.
"""
