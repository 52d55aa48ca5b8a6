"""The SIP layer: messages, session descriptions, transactions, dialogs and the user agent.

Pure: no socket, no clock, no random source. Bytes and ``now_ms`` go in, datagrams, deadlines and
events come out. ``user_agent.UserAgent`` is the face; the modules follow RFC 3261's order:

- *message* (``fields``, ``message``, ``bodies``): what a datagram says, read once, lazily.
- *description* (``sdp``, ``offer_answer``): what both ends want to send and hear.
- *transaction* (``transaction_table``, ``transaction``): a request and its answers on a bad line.
- *dialog* (``dialog``): who talks to whom, with which tags, routes and numbers.
- *leg* (``core``; ``uas``, ``uac``, ``in_dialog``, ``in_dialog_requests``, ``ending``): one call,
  seen from us. ``session_interval`` ends the silent ones.
- *admission* (``config``'s hooks, ``out_of_dialog``, ``digest``, ``token_bucket``): who is answered
  at all, before any state exists.
"""
