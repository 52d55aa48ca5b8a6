"""The SIP carrier: sockets, timers and RTP around the pure user agent of ``cordboard.sip``.

``endpoint`` owns the signalling socket, ``leg`` is one call on it, ``stream`` its RTP, ``ports``
hands out RTP ports, ``trunks`` says who may call, ``media_choice`` settles codec and addresses.
"""
