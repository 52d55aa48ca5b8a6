"""The SIP layer: messages, session descriptions, transactions, dialogs and the user agent.

Pure: no socket, no clock, no random source. Bytes and ``now_ms`` go in, datagrams, deadlines and
events come out. ``user_agent.UserAgent`` is the face; the other modules follow RFC 3261's order.
"""
